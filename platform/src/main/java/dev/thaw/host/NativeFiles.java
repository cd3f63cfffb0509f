package dev.thaw.host;

import java.nio.file.Path;

/** The results of the native build ({@code src/main/native/build.sh}), found by the system property {@code thaw.native}, or {@code thaw.home} in an installation. */
public final class NativeFiles {
    private NativeFiles() {}

    /** The file {@code name} of the native build. */
    public static Path path(String name) {
        String directory = System.getProperty("thaw.native");
        String home = System.getProperty("thaw.home");
        if (directory == null && home != null) {
            return Path.of(home, "native", name).toAbsolutePath();
        }
        if (directory == null) {
            throw new IllegalStateException(
                    "the system property thaw.native must name the directory that platform/src/main/native/build.sh DIR filled");
        }
        return Path.of(directory, name).toAbsolutePath();
    }

    /** Makes libthaw.so's functions known to the classes that declare them native: to be called by the static initialiser of each. */
    public static void load() {
        if (!Library.LOADED) {
            throw new AssertionError();
        }
    }

    /** Loaded when first used. */
    private static final class Library {
        static final boolean LOADED;

        static {
            System.load(path("libthaw.so").toString());
            LOADED = true;
        }
    }
}
