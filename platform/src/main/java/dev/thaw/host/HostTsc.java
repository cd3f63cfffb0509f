package dev.thaw.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import org.jspecify.annotations.Nullable;

/** The time stamp counter beside the host's clocks, and the guest's vDSO image. First used before the process is confined. */
public final class HostTsc {
    // SAFETY: writes three longs to a segment of that size.
    private static final MethodHandle SAMPLE =
            NativeFiles.function("thaw_tsc_sample", FunctionDescriptor.ofVoid(ADDRESS));
    private static final MethodHandle USABLE =
            NativeFiles.function("thaw_tsc_usable", FunctionDescriptor.of(JAVA_INT));

    /** Whether the counter runs evenly and alike on all processors. */
    public static boolean usable() {
        try {
            return (int) USABLE.invokeExact() != 0;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** Counter, CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds, at one moment. */
    public record Sample(long tsc, long monotonic, long realtime) {}

    /** Reads the counter and the clocks. */
    public static Sample sample() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(24, 8);
            SAMPLE.invokeExact(out);
            return new Sample(out.get(JAVA_LONG, 0), out.get(JAVA_LONG, 8), out.get(JAVA_LONG, 16));
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** The image of the guest's vDSO ({@code src/main/native/vdso}); null when the native build lacks it. */
    public static byte @Nullable [] vdsoImage() {
        try {
            if (!Files.exists(NativeFiles.path("vdso.so"))) {
                return null;
            }
            return Files.readAllBytes(NativeFiles.path("vdso.so"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private HostTsc() {}
}
