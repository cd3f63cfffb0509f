package dev.thaw.sentry.syscall;

/** The system call table of x86-64 ({@code arch/x86/entry/syscalls/syscall_64.tbl}). */
public final class Amd64 {
    public static final SyscallTable TABLE =
            Amd64Absent.addTo(
                    new SyscallTable()
                            .addAll(Amd64Files.TABLE)
                            .addAll(Amd64Events.TABLE)
                            .addAll(Amd64Memory.TABLE)
                            .addAll(Amd64Processes.TABLE));

    private Amd64() {}
}
