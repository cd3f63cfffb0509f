package dev.thaw.sentry.syscall;

/** The six argument words of a system call; one flyweight for each task. */
public final class SyscallArgs {
    private final long[] words = new long[6];

    /** Sets all words. */
    public void set(long a, long b, long c, long d, long e, long f) {
        words[0] = a;
        words[1] = b;
        words[2] = c;
        words[3] = d;
        words[4] = e;
        words[5] = f;
    }

    /** Argument {@code i} as an {@code int} (upper half ignored, as Linux does). */
    public int int32(int i) {
        return (int) words[i];
    }

    /** Argument {@code i} as a guest address. */
    public long addr(int i) {
        return words[i];
    }

    /** Argument {@code i} as a {@code size_t}: negative means above 2^63. */
    public long size(int i) {
        return words[i];
    }

    /** Argument {@code i} as a 64-bit number. */
    public long int64(int i) {
        return words[i];
    }
}
