package dev.thaw.runsc.container;

import dev.thaw.runsc.SandboxException;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@link ContainerState} as JSON. Written by hand, so that a start needs no JSON library when there is nothing to read. */
public final class StateJson {
    private StateJson() {}

    /** The OCI state document of `runsc state`. */
    public static String ociState(ContainerState state) {
        StringBuilder out = new StringBuilder("{\n");
        field(out, "  ", "ociVersion", "1.2.0", true);
        field(out, "  ", "id", state.id(), true);
        out.append("  \"pid\": ")
                .append(state.status().equals(ContainerState.STOPPED) ? 0 : state.pid())
                .append(",\n");
        field(out, "  ", "status", state.status(), true);
        field(out, "  ", "bundle", state.bundle(), true);
        field(out, "  ", "rootfs", state.rootfs(), true);
        field(out, "  ", "created", state.created(), true);
        if (!state.annotations().isEmpty()) {
            annotations(out, state.annotations());
            out.append(",\n");
        }
        field(out, "  ", "owner", "", false);
        return out.append("}\n").toString();
    }

    static String write(ContainerState state) {
        StringBuilder out = new StringBuilder("{\n");
        field(out, "  ", "ociVersion", "1.2.0", true);
        field(out, "  ", "id", state.id(), true);
        field(out, "  ", "status", state.status(), true);
        out.append("  \"pid\": ").append(state.pid()).append(",\n");
        out.append("  \"pidStart\": ").append(state.pidStart()).append(",\n");
        field(out, "  ", "bundle", state.bundle(), true);
        field(out, "  ", "rootfs", state.rootfs(), true);
        field(out, "  ", "created", state.created(), true);
        field(out, "  ", "platform", state.platform(), true);
        field(out, "  ", "cgroupsPath", state.cgroupsPath(), true);
        annotations(out, state.annotations());
        return out.append("\n}\n").toString();
    }

    static ContainerState read(String text, String file) throws SandboxException {
        try {
            JsonNode node = JsonMapper.shared().readTree(text);
            TreeMap<String, String> annotations = new TreeMap<>();
            for (Map.Entry<String, JsonNode> entry : node.path("annotations").properties()) {
                annotations.put(entry.getKey(), entry.getValue().asString(""));
            }
            return new ContainerState(
                    node.path("id").asString(""),
                    node.path("status").asString(ContainerState.STOPPED),
                    node.path("pid").asInt(0),
                    node.path("pidStart").asLong(-1),
                    node.path("bundle").asString(""),
                    node.path("rootfs").asString(""),
                    node.path("created").asString(""),
                    node.path("platform").asString(""),
                    node.path("cgroupsPath").asString(""),
                    annotations);
        } catch (JacksonException e) {
            throw SandboxException.internal(file + " is damaged: " + e.getOriginalMessage());
        }
    }

    /** {@code text} as a JSON string with its quotes. */
    public static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    private static void annotations(StringBuilder out, Map<String, String> annotations) {
        out.append("  \"annotations\": {");
        String separator = "\n";
        for (Map.Entry<String, String> entry : annotations.entrySet()) {
            out.append(separator)
                    .append("    ")
                    .append(quote(entry.getKey()))
                    .append(": ")
                    .append(quote(entry.getValue()));
            separator = ",\n";
        }
        out.append(annotations.isEmpty() ? "}" : "\n  }");
    }

    private static void field(
            StringBuilder out, String indent, String name, String value, boolean comma) {
        out.append(indent)
                .append(quote(name))
                .append(": ")
                .append(quote(value))
                .append(comma ? ",\n" : "\n");
    }
}
