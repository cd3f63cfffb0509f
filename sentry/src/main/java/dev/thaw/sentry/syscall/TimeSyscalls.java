package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOTSUP;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ERESTARTNOHAND;
import static dev.thaw.abi.Errno.ERESTART_RESTARTBLOCK;
import static dev.thaw.abi.Errno.ETIMEDOUT;
import static dev.thaw.abi.Time.*;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.CpuTicker;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.time.KernelClock;

/** clock_*, nanosleep, time, gettimeofday, times. */
final class TimeSyscalls {
    static long clockGettime(Task task, SyscallArgs args) throws ErrnoException {
        long now = read(task, args.int32(0));
        Guest.writeTimespec(task, args.addr(1), now);
        return 0;
    }

    static long clockGetres(Task task, SyscallArgs args) throws ErrnoException {
        int clock = args.int32(0);
        read(task, clock);
        boolean coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
        if (args.addr(1) != 0) {
            Guest.writeTimespec(task, args.addr(1), coarse ? 4_000_000 : 1);
        }
        return 0;
    }

    static long clockSettime(Task task, SyscallArgs args) throws ErrnoException {
        read(task, args.int32(0));
        return args.int32(0) == CLOCK_REALTIME ? -EPERM : -EINVAL;
    }

    /** The time of a clock; EINVAL for one that is not there. */
    static long read(Task task, int clock) throws ErrnoException {
        KernelClock clocks = task.kernel().clock();
        return switch (clock) {
            case CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_REALTIME_ALARM, CLOCK_TAI ->
                    clocks.realtime();
            case CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE -> clocks.monotonic();
            case CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM -> clocks.boottime();
            case CLOCK_PROCESS_CPUTIME_ID -> cpu(task.threadGroup());
            case CLOCK_THREAD_CPUTIME_ID -> task.cpuTime();
            default -> cpuClock(task, clock);
        };
    }

    /** A CPU clock of another process or thread: {@code ~id << 3 | kind}, bit 2 for a thread. */
    private static long cpuClock(Task task, int clock) throws ErrnoException {
        if (clock >= 0 || (clock & 3) == 3) {
            throw errno(EINVAL);
        }
        int id = ~(clock >> 3);
        if ((clock & 4) != 0) {
            Task target = id == 0 ? task : task.kernel().tasks().task(id);
            if (target == null || target.threadGroup() != task.threadGroup()) {
                throw errno(EINVAL);
            }
            return target.cpuTime();
        }
        ThreadGroup group = id == 0 ? task.threadGroup() : task.kernel().tasks().group(id);
        if (group == null) {
            throw errno(EINVAL);
        }
        return cpu(group);
    }

    private static long cpu(ThreadGroup group) {
        return group.userTime() + group.systemTime();
    }

    static long nanosleep(Task task, SyscallArgs args) throws ErrnoException {
        long time = Guest.readTimespec(task, args.addr(0));
        return sleep(task, task.deadline(time), args.addr(1));
    }

    static long clockNanosleep(Task task, SyscallArgs args) throws ErrnoException {
        int clock = args.int32(0);
        if (clock == CLOCK_THREAD_CPUTIME_ID) {
            throw errno(EINVAL);
        }
        if (clock < 0
                || clock == CLOCK_PROCESS_CPUTIME_ID
                || clock == CLOCK_MONOTONIC_RAW
                || clock == CLOCK_REALTIME_COARSE
                || clock == CLOCK_MONOTONIC_COARSE) {
            throw errno(ENOTSUP);
        }
        long now = read(task, clock);
        long time = Guest.readTimespec(task, args.addr(2));
        if ((args.int32(1) & TIMER_ABSTIME) == 0) {
            return sleep(task, task.deadline(time), args.addr(3));
        }
        long left = time - now;
        if (left <= 0) {
            return 0;
        }
        return waitUntil(task, task.deadline(left)) ? 0 : -ERESTARTNOHAND;
    }

    private static long sleep(Task task, long deadline, long remainderAddress)
            throws ErrnoException {
        if (waitUntil(task, deadline)) {
            return 0;
        }
        if (remainderAddress != 0) {
            Guest.writeTimespec(
                    task,
                    remainderAddress,
                    Math.max(0, deadline - task.kernel().clock().monotonic()));
        }
        return -ERESTART_RESTARTBLOCK;
    }

    /** False when interrupted. */
    private static boolean waitUntil(Task task, long deadline) {
        while (true) {
            task.waiter().clear();
            int blocked = task.block(deadline);
            if (blocked != 0) {
                return blocked == -ETIMEDOUT;
            }
        }
    }

    static long time(Task task, SyscallArgs args) throws ErrnoException {
        long seconds = task.kernel().clock().realtime() / Guest.SECOND;
        if (args.addr(0) != 0) {
            task.mm().writeLong(args.addr(0), seconds);
        }
        return seconds;
    }

    static long gettimeofday(Task task, SyscallArgs args) throws ErrnoException {
        if (args.addr(0) != 0) {
            Guest.writeTimeval(task, args.addr(0), task.kernel().clock().realtime());
        }
        if (args.addr(1) != 0) {
            task.mm().writeLong(args.addr(1), 0);
        }
        return 0;
    }

    /** times(2): in clock ticks of 10 ms. */
    static long times(Task task, SyscallArgs args) throws ErrnoException {
        if (args.addr(0) != 0) {
            ThreadGroup group = task.threadGroup();
            byte[] b = new byte[32];
            Guest.putLong(b, 0, group.userTime() / CpuTicker.TICK_NS);
            Guest.putLong(b, 8, group.systemTime() / CpuTicker.TICK_NS);
            Guest.putLong(b, 16, group.childUserTime() / CpuTicker.TICK_NS);
            Guest.putLong(b, 24, group.childSystemTime() / CpuTicker.TICK_NS);
            task.mm().copyOutBytes(args.addr(0), b);
        }
        return task.kernel().clock().monotonic() / CpuTicker.TICK_NS;
    }

    private TimeSyscalls() {}
}
