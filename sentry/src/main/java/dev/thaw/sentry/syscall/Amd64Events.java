package dev.thaw.sentry.syscall;

/** The x86-64 calls on pipes, polling, event descriptors, sockets, in number order. */
final class Amd64Events {
    static final SyscallTable TABLE = new SyscallTable();

    private Amd64Events() {}
}
