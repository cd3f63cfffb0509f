package dev.thaw.state;

/** Keeps what an image claims below what this process can hold, so that a forged one is refused and does not exhaust memory. */
public final class MemoryBound {
    private static final int SHARE = 4;

    /** The most bytes that one part of an image may take in memory. */
    public static long bytes() {
        return Runtime.getRuntime().maxMemory() / SHARE;
    }

    /** Throws when {@code bytes} is negative or more than {@link #bytes}. */
    public static void check(long bytes, String what) {
        if (bytes < 0 || bytes > bytes()) {
            throw new ImageException(
                    "claims a "
                            + what
                            + " of "
                            + Long.toUnsignedString(bytes)
                            + " bytes, more than this process has memory for");
        }
    }

    private MemoryBound() {}
}
