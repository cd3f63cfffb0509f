package dev.thaw.host;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** The results of the native build ({@code src/main/native/build.sh}), found by the system property {@code thaw.native}. */
public final class NativeFiles {
    private NativeFiles() {}

    /** The file {@code name} of the native build. */
    public static Path path(String name) {
        String directory = System.getProperty("thaw.native");
        if (directory == null) {
            throw new IllegalStateException(
                    "the system property thaw.native must name the directory that platform/src/main/native/build.sh DIR filled");
        }
        return Path.of(directory, name).toAbsolutePath();
    }

    /** The function {@code name} of libthaw.so. */
    public static MethodHandle function(
            String name, FunctionDescriptor type, Linker.Option... options) {
        return Linker.nativeLinker()
                .downcallHandle(Library.LOOKUP.find(name).orElseThrow(), type, options);
    }

    /** Loaded when first used. */
    private static final class Library {
        static final SymbolLookup LOOKUP =
                SymbolLookup.libraryLookup(path("libthaw.so"), Arena.global());
    }
}
