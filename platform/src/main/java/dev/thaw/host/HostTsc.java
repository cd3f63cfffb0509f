package dev.thaw.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import org.jspecify.annotations.Nullable;

/** The time stamp counter beside the host's clocks, and the guest's vDSO image. First used before the process is confined. */
public final class HostTsc {
    static {
        NativeFiles.load();
    }

    /** Whether the counter runs evenly and alike on all processors. */
    public static native boolean usable();

    /** Counter, CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds, at one moment. */
    public record Sample(long tsc, long monotonic, long realtime) {}

    /** Reads the counter and the clocks. */
    public static Sample sample() {
        long[] out = new long[3];
        sample(out);
        return new Sample(out[0], out[1], out[2]);
    }

    private static native void sample(long[] out);

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
