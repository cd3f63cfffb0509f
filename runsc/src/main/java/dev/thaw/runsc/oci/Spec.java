package dev.thaw.runsc.oci;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An OCI runtime configuration (config.json), as far as Thaw reads it. Paths of the host are absolute here; {@link SpecReader} made them so. */
public record Spec(
        String ociVersion,
        Root root,
        @Nullable ProcessConfig process,
        String hostname,
        List<MountConfig> mounts,
        Map<String, String> annotations,
        LinuxConfig linux) {

    /** {@code root}: the host directory that becomes {@code /}. */
    public record Root(String path, boolean readOnly) {}

    /** One of {@code mounts}. {@code source} is "" where there is none. */
    public record MountConfig(
            String destination, String type, String source, List<String> options) {
        /** Whether the mount shows a directory or file of the host. */
        public boolean isBind() {
            return type.equals("bind") || options.contains("bind") || options.contains("rbind");
        }

        public boolean isReadOnly() {
            return options.contains("ro");
        }
    }

    /** The parts of {@code linux} that are kept. Limits are -1 where none is set. */
    public record LinuxConfig(
            String cgroupsPath,
            long memoryLimit,
            long pidsLimit,
            List<String> maskedPaths,
            List<String> readonlyPaths) {
        public static final LinuxConfig NONE = new LinuxConfig("", -1, -1, List.of(), List.of());
    }

    /** The same configuration with another process. */
    public Spec withProcess(ProcessConfig other) {
        return new Spec(ociVersion, root, other, hostname, mounts, annotations, linux);
    }
}
