package dev.thaw.sentry.strace;

import dev.thaw.abi.Errno;
import dev.thaw.platform.Registers;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.syscall.SyscallTable;
import org.jspecify.annotations.Nullable;

/** Logs one line for each system call: {@code [pid] name(args in hex) = result}. */
public final class Strace {
    private static final System.Logger LOG = System.getLogger("dev.thaw.sentry.strace");

    /** Before the call. Says it at once only for calls that may not return. */
    public void enter(Task task, SyscallTable.@Nullable Row row, long number, Registers regs) {
        LOG.log(System.Logger.Level.DEBUG, () -> line(task, row, number, regs));
    }

    /** After the call, which may be made again when the result is a restart code. */
    public void exit(Task task, SyscallTable.@Nullable Row row, long number, long result) {
        LOG.log(
                System.Logger.Level.DEBUG,
                () -> "[" + task.tid() + "] " + name(row, number) + " = " + result(result));
    }

    private static String line(
            Task task, SyscallTable.@Nullable Row row, long number, Registers regs) {
        return "["
                + task.tid()
                + "] "
                + name(row, number)
                + "(0x"
                + Long.toHexString(regs.rdi)
                + ", 0x"
                + Long.toHexString(regs.rsi)
                + ", 0x"
                + Long.toHexString(regs.rdx)
                + ", 0x"
                + Long.toHexString(regs.r10)
                + ", 0x"
                + Long.toHexString(regs.r8)
                + ", 0x"
                + Long.toHexString(regs.r9)
                + ") rip=0x"
                + Long.toHexString(regs.rip);
    }

    private static String name(SyscallTable.@Nullable Row row, long number) {
        return row == null ? "syscall_" + number : row.name();
    }

    private static String result(long result) {
        if (result == Task.NO_RESULT) {
            return "(new registers)";
        }
        if (result < 0 && result >= -600) {
            return "-" + Errno.name((int) -result);
        }
        return Long.toString(result) + " (0x" + Long.toHexString(result) + ")";
    }

    /** The registers for a log. */
    public static String describe(Registers r) {
        return String.format(
                "rip=%x rsp=%x rax=%x orig=%x rdi=%x rsi=%x rdx=%x r10=%x r8=%x r9=%x rbx=%x rbp=%x fs=%x",
                r.rip, r.rsp, r.rax, r.origRax, r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9, r.rbx,
                r.rbp, r.fsBase);
    }
}
