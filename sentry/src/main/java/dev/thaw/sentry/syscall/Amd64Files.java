package dev.thaw.sentry.syscall;

/** The x86-64 calls on files, descriptors, file systems, in number order. */
final class Amd64Files {
    static final SyscallTable TABLE = new SyscallTable();

    private Amd64Files() {}
}
