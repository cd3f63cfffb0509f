package dev.thaw.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/** AES-256-GCM by the processor's own instructions: fast from the first call on, and without a file of the JDK, which a confined process can not read. */
public final class HostAesGcm {
    private static final int KEY = 32;
    private static final int NONCE = 12;
    private static final int TAG = 16;

    private static final MethodHandle USABLE =
            NativeFiles.function("thaw_aes_usable", FunctionDescriptor.of(JAVA_INT));

    // SAFETY: both read key, nonce, data and `length` bytes (open: and the tag) and write as many
    // (seal: and the tag); the bounds are checked below. Less than a millisecond for what a chunk
    // holds, so they may hold off the collector.
    private static final MethodHandle SEAL =
            NativeFiles.function(
                    "thaw_aes_seal",
                    FunctionDescriptor.ofVoid(
                            ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS),
                    Linker.Option.critical(true));

    private static final MethodHandle OPEN =
            NativeFiles.function(
                    "thaw_aes_open",
                    FunctionDescriptor.of(
                            JAVA_INT,
                            ADDRESS,
                            ADDRESS,
                            ADDRESS,
                            JAVA_LONG,
                            ADDRESS,
                            JAVA_LONG,
                            ADDRESS),
                    Linker.Option.critical(true));

    /** Whether this processor has the instructions. */
    public static boolean usable() {
        try {
            return (int) USABLE.invokeExact() != 0;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** Encrypts the first {@code length} bytes of {@code in} and writes as many and the tag to {@code out} from {@code at} on. */
    public static void seal(
            byte[] key, byte[] nonce, byte[] data, byte[] in, int length, byte[] out, int at) {
        check(key, nonce);
        Objects.checkFromIndexSize(at, length + TAG, out.length);
        try {
            SEAL.invokeExact(
                    MemorySegment.ofArray(key),
                    MemorySegment.ofArray(nonce),
                    MemorySegment.ofArray(data),
                    (long) data.length,
                    MemorySegment.ofArray(in).asSlice(0, length),
                    (long) length,
                    MemorySegment.ofArray(out).asSlice(at));
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** Decrypts {@code length} bytes (tag included) of {@code in} from {@code at} on to {@code out}; false, and nothing written, when the tag is wrong. */
    public static boolean open(
            byte[] key, byte[] nonce, byte[] data, byte[] in, int at, int length, byte[] out) {
        check(key, nonce);
        if (length < TAG) {
            return false;
        }
        Objects.checkFromIndexSize(0, length - TAG, out.length);
        try {
            return (int)
                            OPEN.invokeExact(
                                    MemorySegment.ofArray(key),
                                    MemorySegment.ofArray(nonce),
                                    MemorySegment.ofArray(data),
                                    (long) data.length,
                                    MemorySegment.ofArray(in).asSlice(at, length),
                                    (long) length - TAG,
                                    MemorySegment.ofArray(out))
                    != 0;
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static void check(byte[] key, byte[] nonce) {
        if (key.length != KEY || nonce.length != NONCE) {
            throw new IllegalArgumentException(
                    "a key of " + key.length + " and a nonce of " + nonce.length + " bytes");
        }
    }

    private HostAesGcm() {}
}
