package dev.thaw.host;

/** One host system call, by number. */
public final class RawSyscall {
    static {
        NativeFiles.load();
    }

    /** Makes host call {@code nr}; returns its result, or {@code -errno}. */
    public static native long call(long nr, long a, long b, long c, long d, long e, long f);

    private RawSyscall() {}
}
