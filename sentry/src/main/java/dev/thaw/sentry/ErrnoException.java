package dev.thaw.sentry;

import dev.thaw.abi.Errno;

/**
 * The application's error: what a system call answers as {@code -errno}. One stackless instance for each number; write {@code throw errno(EINVAL)}. With
 * {@code -Dthaw.errno.trace=true} each has a stack trace. Outcomes that are no failure (would block, restart codes) are {@code long} results, never thrown.
 */
public final class ErrnoException extends Exception {
    private static final long serialVersionUID = 1;
    private static final boolean TRACE = Boolean.getBoolean("thaw.errno.trace");
    private static final ErrnoException[] INTERNED = new ErrnoException[600];

    static {
        for (int i = 0; i < INTERNED.length; i++) {
            INTERNED[i] = new ErrnoException(i, false);
        }
    }

    private final int errno;

    private ErrnoException(int errno, boolean trace) {
        super(trace ? Errno.name(errno) : null, null, trace, trace);
        this.errno = errno;
    }

    /** The exception for {@code errno} (positive). */
    public static ErrnoException errno(int errno) {
        return TRACE ? new ErrnoException(errno, true) : INTERNED[errno];
    }

    /** Returns {@code result}, or throws it when it is a negative errno. */
    public static long check(long result) throws ErrnoException {
        if (result < 0) {
            throw errno((int) -result);
        }
        return result;
    }

    /** The error number, positive. */
    public int errno() {
        return errno;
    }

    @Override
    public String getMessage() {
        return Errno.name(errno);
    }
}
