package dev.thaw.sentry.syscall;

/** The x86-64 calls on memory management, in number order. */
final class Amd64Memory {
    static final SyscallTable TABLE = new SyscallTable();

    private Amd64Memory() {}
}
