package dev.thaw.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** SHA-256 by the processor's own instructions: fast from the first call on, where Java's own must be compiled first. */
public final class HostSha256 {
    private static final int BYTES = 32;

    private static final MethodHandle USABLE =
            NativeFiles.function("thaw_sha256_usable", FunctionDescriptor.of(JAVA_INT));

    // SAFETY: reads `length` bytes, which the caller bounds, and writes 32; takes less than a
    // millisecond for what a chunk holds, so it may hold off the collector.
    private static final MethodHandle HASH =
            NativeFiles.function(
                    "thaw_sha256",
                    FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, ADDRESS),
                    Linker.Option.critical(true));

    /** Whether this processor has the instructions. */
    public static boolean usable() {
        try {
            return (int) USABLE.invokeExact() != 0;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** The hash of the first {@code length} bytes. */
    public static byte[] hash(byte[] bytes, int length) {
        byte[] out = new byte[BYTES];
        try {
            HASH.invokeExact(
                    MemorySegment.ofArray(bytes).asSlice(0, length),
                    (long) length,
                    MemorySegment.ofArray(out));
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
        return out;
    }

    private HostSha256() {}
}
