package dev.thaw.host;

import java.util.Objects;

/** AES-256-GCM by the processor's own instructions: fast from the first call on, and without a file of the JDK, which a confined process can not read. */
public final class HostAesGcm {
    private static final int KEY = 32;
    private static final int NONCE = 12;
    private static final int TAG = 16;

    static {
        NativeFiles.load();
    }

    /** Whether this processor has the instructions. */
    public static native boolean usable();

    /** Encrypts the first {@code length} bytes of {@code in} and writes as many and the tag to {@code out} from {@code at} on. */
    public static void seal(
            byte[] key, byte[] nonce, byte[] data, byte[] in, int length, byte[] out, int at) {
        check(key, nonce);
        Objects.checkFromIndexSize(0, length, in.length);
        Objects.checkFromIndexSize(at, length + TAG, out.length);
        seal0(key, nonce, data, in, length, out, at);
    }

    private static native void seal0(
            byte[] key, byte[] nonce, byte[] data, byte[] in, int length, byte[] out, int at);

    /** Decrypts {@code length} bytes (tag included) of {@code in} from {@code at} on to {@code out}; false, and nothing written, when the tag is wrong. */
    public static boolean open(
            byte[] key, byte[] nonce, byte[] data, byte[] in, int at, int length, byte[] out) {
        check(key, nonce);
        if (length < TAG) {
            return false;
        }
        Objects.checkFromIndexSize(at, length, in.length);
        Objects.checkFromIndexSize(0, length - TAG, out.length);
        return open0(key, nonce, data, in, at, length - TAG, out);
    }

    private static native boolean open0(
            byte[] key, byte[] nonce, byte[] data, byte[] in, int at, int length, byte[] out);

    private static void check(byte[] key, byte[] nonce) {
        if (key.length != KEY || nonce.length != NONCE) {
            throw new IllegalArgumentException(
                    "a key of " + key.length + " and a nonce of " + nonce.length + " bytes");
        }
    }

    private HostAesGcm() {}
}
