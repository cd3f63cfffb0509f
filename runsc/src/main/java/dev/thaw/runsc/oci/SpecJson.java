package dev.thaw.runsc.oci;

import dev.thaw.runsc.container.StateJson;
import dev.thaw.runsc.oci.Spec.LinuxConfig;
import dev.thaw.runsc.oci.Spec.MountConfig;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * A configuration as JSON without its process: what an image keeps, so that a restore without a bundle can connect root and mounts again. Arguments and environment, which may hold secrets,
 * are not in it. {@link SpecReader#readText} reads it.
 */
public final class SpecJson {
    private SpecJson() {}

    public static String write(Spec spec) {
        StringBuilder out = new StringBuilder("{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":");
        out.append(StateJson.quote(spec.root().path()))
                .append(",\"readonly\":")
                .append(spec.root().readOnly());
        out.append("},\"hostname\":")
                .append(StateJson.quote(spec.hostname()))
                .append(",\"mounts\":[");
        String separator = "";
        for (MountConfig mount : spec.mounts()) {
            out.append(separator)
                    .append("{\"destination\":")
                    .append(StateJson.quote(text(mount.destination())));
            out.append(",\"type\":").append(StateJson.quote(mount.type()));
            out.append(",\"source\":").append(StateJson.quote(mount.source()));
            out.append(",\"options\":").append(strings(mount.options())).append('}');
            separator = ",";
        }
        out.append("],\"annotations\":{");
        separator = "";
        for (Map.Entry<String, String> entry : spec.annotations().entrySet()) {
            out.append(separator)
                    .append(StateJson.quote(entry.getKey()))
                    .append(':')
                    .append(StateJson.quote(entry.getValue()));
            separator = ",";
        }
        LinuxConfig linux = spec.linux();
        out.append("},\"linux\":{\"resources\":{\"memory\":{\"limit\":")
                .append(linux.memoryLimit());
        return out.append("},\"pids\":{\"limit\":")
                .append(linux.pidsLimit())
                .append("}}}}")
                .toString();
    }

    private static String text(String raw) {
        return new String(raw.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    private static String strings(List<String> texts) {
        StringBuilder out = new StringBuilder("[");
        for (String text : texts) {
            out.append(out.length() == 1 ? "" : ",").append(StateJson.quote(text));
        }
        return out.append(']').toString();
    }
}
