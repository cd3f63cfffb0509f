package dev.thaw.runsc.container;

import dev.thaw.runsc.oci.Spec.LinuxConfig;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Host cgroups around a sandbox, as far as the host lets us: statistics and limits of engines hang on them. The limits that the guest sees are the Sentry's; here the whole of
 * sandbox, gofer and stubs is kept together. Best effort: a host without writable cgroups is no error.
 */
public final class Cgroups {
    private static final Path MOUNT = Path.of("/sys/fs/cgroup");

    private Cgroups() {}

    /** Makes the container's cgroups below each hierarchy that can be written, and returns their directories. */
    public static List<String> create(LinuxConfig linux) {
        ArrayList<String> made = new ArrayList<>();
        String path = linux.cgroupsPath();
        if (path.isEmpty()
                || path.contains("..")
                || path.contains(":")) { // systemd's slice:prefix:name form needs systemd
            return made;
        }
        String relative = path.startsWith("/") ? path.substring(1) : path;
        if (Files.exists(MOUNT.resolve("cgroup.controllers"))) {
            make(MOUNT.resolve(relative), made);
            return made;
        }
        try (DirectoryStream<Path> hierarchies = Files.newDirectoryStream(MOUNT)) {
            for (Path hierarchy : hierarchies) {
                if (!Files.isSymbolicLink(hierarchy)
                        && Files.exists(hierarchy.resolve("cgroup.procs"))
                        && !hierarchy.endsWith("cpuset")) {
                    make(hierarchy.resolve(relative), made);
                }
            }
        } catch (IOException e) {
            return made;
        }
        return made;
    }

    /** Removes what {@link #create} made, when no process is left in it. */
    public static void remove(String directories) {
        for (String directory : directories.split(":")) {
            if (directory.startsWith(MOUNT + "/")) {
                try {
                    Files.deleteIfExists(Path.of(directory));
                } catch (IOException e) {
                    // Still in use, or the engine that owns the parent removed it first.
                }
            }
        }
    }

    private static void make(Path directory, List<String> made) {
        try {
            Files.createDirectories(directory);
            if (Files.isWritable(directory.resolve("cgroup.procs"))) {
                made.add(directory.toString());
            }
        } catch (IOException e) {
            // This hierarchy is not ours to write.
        }
    }
}
