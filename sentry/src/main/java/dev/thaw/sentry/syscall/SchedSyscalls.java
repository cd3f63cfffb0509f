package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Clone.SCHED_FIFO;
import static dev.thaw.abi.Clone.SCHED_IDLE;
import static dev.thaw.abi.Clone.SCHED_RR;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;

/** sched_*, getcpu, ioprio, membarrier. The host schedules; guests see one class, SCHED_OTHER. */
final class SchedSyscalls {
    private static final int CPUS = Runtime.getRuntime().availableProcessors();

    static long schedYield(Task task, SyscallArgs args) {
        Thread.yield();
        return 0;
    }

    private static void check(Task task, int tid) throws ErrnoException {
        if (tid < 0) {
            throw errno(EINVAL);
        }
        if (tid != 0 && task.kernel().tasks().task(tid) == null) {
            throw errno(ESRCH);
        }
    }

    static long getaffinity(Task task, SyscallArgs args) throws ErrnoException {
        check(task, args.int32(0));
        int size = args.int32(1);
        int needed = (CPUS + 63) / 64 * 8;
        if (size < needed || (size & 7) != 0) {
            throw errno(EINVAL);
        }
        byte[] b = new byte[needed];
        for (int i = 0; i < CPUS; i++) {
            b[i >> 3] |= (byte) (1 << (i & 7));
        }
        task.mm().copyOutBytes(args.addr(2), b);
        return needed;
    }

    /** sched_setaffinity(2): a hint that is checked and not followed. */
    static long setaffinity(Task task, SyscallArgs args) throws ErrnoException {
        check(task, args.int32(0));
        int size = Math.min(args.int32(1), (CPUS + 7) / 8);
        if (size <= 0) {
            throw errno(EINVAL);
        }
        byte[] b = task.mm().copyInBytes(args.addr(2), size);
        for (int i = 0; i < CPUS && i < 8 * size; i++) {
            if ((b[i >> 3] & 1 << (i & 7)) != 0) {
                return 0;
            }
        }
        throw errno(EINVAL);
    }

    static long getscheduler(Task task, SyscallArgs args) throws ErrnoException {
        check(task, args.int32(0));
        return 0;
    }

    static long setscheduler(Task task, SyscallArgs args) throws ErrnoException {
        check(task, args.int32(0));
        int policy = args.int32(1) & ~0x40000000;
        int priority = task.mm().readInt(args.addr(2));
        if (policy == SCHED_FIFO || policy == SCHED_RR) {
            throw errno(EPERM);
        }
        if (policy < 0 || policy > SCHED_IDLE || priority != 0) {
            throw errno(EINVAL);
        }
        return 0;
    }

    static long getparam(Task task, SyscallArgs args) throws ErrnoException {
        check(task, args.int32(0));
        task.mm().writeInt(args.addr(1), 0);
        return 0;
    }

    static long setparam(Task task, SyscallArgs args) throws ErrnoException {
        check(task, args.int32(0));
        if (task.mm().readInt(args.addr(1)) != 0) {
            throw errno(EINVAL);
        }
        return 0;
    }

    static long priorityMax(Task task, SyscallArgs args) throws ErrnoException {
        return realtime(args.int32(0)) ? 99 : 0;
    }

    static long priorityMin(Task task, SyscallArgs args) throws ErrnoException {
        return realtime(args.int32(0)) ? 1 : 0;
    }

    private static boolean realtime(int policy) throws ErrnoException {
        if (policy < 0 || policy > 6 || policy == 4) {
            throw errno(EINVAL);
        }
        return policy == SCHED_FIFO || policy == SCHED_RR;
    }

    static long rrGetInterval(Task task, SyscallArgs args) throws ErrnoException {
        check(task, args.int32(0));
        Guest.writeTimespec(task, args.addr(1), 4_000_000);
        return 0;
    }

    /** {@code struct sched_attr}: size, policy, flags, nice, priority, runtime, deadline, period. */
    static long getattr(Task task, SyscallArgs args) throws ErrnoException {
        check(task, args.int32(0));
        int size = args.int32(2);
        if (size < 48 || size > 4096 || args.int32(3) != 0) {
            throw errno(EINVAL);
        }
        byte[] b = new byte[48];
        Guest.putInt(b, 0, 48);
        Guest.putInt(b, 16, task.threadGroup().nice());
        task.mm().copyOutBytes(args.addr(1), b);
        return 0;
    }

    static long getcpu(Task task, SyscallArgs args) throws ErrnoException {
        if (args.addr(0) != 0) {
            task.mm().writeInt(args.addr(0), 0);
        }
        if (args.addr(1) != 0) {
            task.mm().writeInt(args.addr(1), 0);
        }
        return 0;
    }

    static long ioprioGet(Task task, SyscallArgs args) {
        return 4; // IOPRIO_CLASS_NONE, level 4
    }

    static long ioprioSet(Task task, SyscallArgs args) {
        return 0;
    }

    /** membarrier(2): only the query, which says that there is none. */
    static long membarrier(Task task, SyscallArgs args) throws ErrnoException {
        if (args.int32(0) == 0 && args.int32(1) == 0) {
            return 0;
        }
        throw errno(EINVAL);
    }

    private SchedSyscalls() {}
}
