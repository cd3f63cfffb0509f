package dev.thaw.host;

import java.util.Objects;

/** SHA-256 by the processor's own instructions: fast from the first call on, where Java's own must be compiled first. */
public final class HostSha256 {
    private static final int BYTES = 32;

    static {
        NativeFiles.load();
    }

    /** Whether this processor has the instructions. */
    public static native boolean usable();

    /** The hash of the first {@code length} bytes. */
    public static byte[] hash(byte[] bytes, int length) {
        Objects.checkFromIndexSize(0, length, bytes.length);
        byte[] out = new byte[BYTES];
        hash(bytes, length, out);
        return out;
    }

    private static native void hash(byte[] bytes, int length, byte[] out);

    private HostSha256() {}
}
