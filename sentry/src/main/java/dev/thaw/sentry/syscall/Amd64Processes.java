package dev.thaw.sentry.syscall;

/** The x86-64 calls on processes, signals, futexes, time, identity and everything else, in number order. */
final class Amd64Processes {
    static final SyscallTable TABLE = new SyscallTable();

    private Amd64Processes() {}
}
