package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Clone.*;
import static dev.thaw.abi.Errno.ECHILD;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.TaskWait;
import dev.thaw.sentry.signal.SignalInfo;

/** wait4, waitid. */
final class WaitSyscalls {
    private static final int COMMON = __WNOTHREAD | __WCLONE | __WALL;

    /** wait4(2): pid, status, options, rusage. */
    static long wait4(Task task, SyscallArgs args) throws ErrnoException {
        int pid = args.int32(0);
        int options = args.int32(2);
        if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED | COMMON)) != 0) {
            throw errno(EINVAL);
        }
        if (pid == Integer.MIN_VALUE) {
            throw errno(ESRCH);
        }
        int idType = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
        int id = pid > 0 ? pid : pid == 0 ? task.threadGroup().processGroup() : -pid;
        TaskWait.Result result = new TaskWait.Result();
        long found = new TaskWait(task, idType, id, options | WEXITED, result).await();
        if (found > 0) {
            if (args.addr(1) != 0) {
                task.mm().writeInt(args.addr(1), result.waitStatus);
            }
            if (args.addr(3) != 0) {
                ResourceSyscalls.writeUsage(task, args.addr(3), result.userTime, result.systemTime);
            }
        }
        return found;
    }

    /** waitid(2): id type, id, siginfo, options, rusage. */
    static long waitid(Task task, SyscallArgs args) throws ErrnoException {
        int idType = args.int32(0);
        int id = args.int32(1);
        int options = args.int32(3);
        if ((options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | COMMON)) != 0
                || (options & (WEXITED | WSTOPPED | WCONTINUED)) == 0) {
            throw errno(EINVAL);
        }
        if (idType == P_PGID && id == 0) {
            id = task.threadGroup().processGroup();
        } else if (idType != P_ALL && (idType != P_PID && idType != P_PGID || id <= 0)) {
            throw errno(idType == P_PIDFD ? ECHILD : EINVAL);
        }
        TaskWait.Result result = new TaskWait.Result();
        long found = new TaskWait(task, idType, id, options, result).await();
        if (found < 0) {
            return found;
        }
        if (args.addr(4) != 0 && found > 0) {
            ResourceSyscalls.writeUsage(task, args.addr(4), result.userTime, result.systemTime);
        }
        if (args.addr(2) != 0) {
            byte[] info =
                    found == 0
                            ? new byte[SignalInfo.SIZE]
                            : SignalInfo.child(
                                            Signals.SIGCHLD,
                                            result.code,
                                            result.pid,
                                            result.uid,
                                            result.status,
                                            0,
                                            0)
                                    .bytes();
            task.mm().copyOutBytes(args.addr(2), info);
        }
        return 0;
    }

    private WaitSyscalls() {}
}
