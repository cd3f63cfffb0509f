package dev.thaw.host;

/** Functions of libc that are more than a system call. */
final class LibC {
    static {
        NativeFiles.load();
    }

    private LibC() {}

    /** The address of function {@code name}. */
    static long function(String name) {
        long address = symbol(name);
        if (address == 0) {
            throw new AssertionError("libc has no " + name);
        }
        return address;
    }

    private static native long symbol(String name);

    /** Calls {@code function} with up to six integers or addresses. A result of C type int is in the low half. */
    static native long call(long function, long a, long b, long c, long d, long e, long f);
}
