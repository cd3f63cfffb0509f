package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Poll.EFD_CLOEXEC;
import static dev.thaw.abi.Poll.EFD_NONBLOCK;
import static dev.thaw.abi.Poll.EFD_SEMAPHORE;
import static dev.thaw.abi.Poll.SFD_CLOEXEC;
import static dev.thaw.abi.Poll.SFD_NONBLOCK;
import static dev.thaw.abi.Poll.TFD_CLOEXEC;
import static dev.thaw.abi.Poll.TFD_NONBLOCK;
import static dev.thaw.abi.Poll.TFD_TIMER_ABSTIME;
import static dev.thaw.abi.Poll.TFD_TIMER_CANCEL_ON_SET;
import static dev.thaw.abi.Time.CLOCK_BOOTTIME;
import static dev.thaw.abi.Time.CLOCK_BOOTTIME_ALARM;
import static dev.thaw.abi.Time.CLOCK_MONOTONIC;
import static dev.thaw.abi.Time.CLOCK_REALTIME;
import static dev.thaw.abi.Time.CLOCK_REALTIME_ALARM;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.event.EventFile;
import dev.thaw.sentry.fs.event.SignalFile;
import dev.thaw.sentry.fs.event.TimerFile;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.FileDescription;

/** eventfd(2), timerfd_create(2), signalfd(2) and their family. */
final class EventSyscalls {
    private static final int CAP_WAKE_ALARM = 35;
    private static final long SECOND = 1_000_000_000L;

    /** eventfd(2). */
    static long eventfd(Task task, SyscallArgs args) throws ErrnoException {
        return eventfd(task, args.int32(0), 0);
    }

    /** eventfd2(2). */
    static long eventfd2(Task task, SyscallArgs args) throws ErrnoException {
        return eventfd(task, args.int32(0), args.int32(1));
    }

    private static long eventfd(Task task, int initial, int flags) throws ErrnoException {
        if ((flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK)) != 0) {
            return -EINVAL;
        }
        EventFile file =
                new EventFile(
                        initial & 0xffff_ffffL, (flags & EFD_SEMAPHORE) != 0, flags & EFD_NONBLOCK);
        return NewFiles.install(task, file, (flags & EFD_CLOEXEC) != 0);
    }

    /** timerfd_create(2). */
    static long timerfdCreate(Task task, SyscallArgs args) throws ErrnoException {
        int clock = args.int32(0);
        int flags = args.int32(1);
        if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) != 0) {
            return -EINVAL;
        }
        switch (clock) {
            case CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME -> {}
            case CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM -> {
                if (!task.credentials().has(CAP_WAKE_ALARM)) {
                    return -EPERM;
                }
            }
            default -> {
                return -EINVAL;
            }
        }
        return NewFiles.install(
                task,
                new TimerFile(task.kernel(), clock, flags & TFD_NONBLOCK),
                (flags & TFD_CLOEXEC) != 0);
    }

    /** timerfd_settime(2). */
    static long timerfdSettime(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(1);
        long address = args.addr(2);
        long interval = Deadlines.readTimespecValue(task, address);
        long value = Deadlines.readTimespecValue(task, address + 16);
        if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0) {
            return -EINVAL;
        }
        try (FileDescription file = task.fds().get(args.int32(0))) {
            long[] before = timer(file).set(value, interval, (flags & TFD_TIMER_ABSTIME) != 0);
            if (args.addr(3) != 0) {
                write(task, args.addr(3), before);
            }
            return 0;
        }
    }

    /** timerfd_gettime(2). */
    static long timerfdGettime(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            write(task, args.addr(1), timer(file).get());
            return 0;
        }
    }

    private static TimerFile timer(FileDescription file) throws ErrnoException {
        if (file instanceof TimerFile timer) {
            return timer;
        }
        throw errno(EINVAL);
    }

    /** Writes {@code {left, interval}} as {@code struct itimerspec}, which has the interval first. */
    private static void write(Task task, long address, long[] setting) throws ErrnoException {
        task.mm().writeLong(address, setting[1] / SECOND);
        task.mm().writeLong(address + 8, setting[1] % SECOND);
        task.mm().writeLong(address + 16, setting[0] / SECOND);
        task.mm().writeLong(address + 24, setting[0] % SECOND);
    }

    /** signalfd(2). */
    static long signalfd(Task task, SyscallArgs args) throws ErrnoException {
        return signalfd(task, args.int32(0), SignalMasks.read(task, args.addr(1), args.size(2)), 0);
    }

    /** signalfd4(2). */
    static long signalfd4(Task task, SyscallArgs args) throws ErrnoException {
        return signalfd(
                task,
                args.int32(0),
                SignalMasks.read(task, args.addr(1), args.size(2)),
                args.int32(3));
    }

    private static long signalfd(Task task, int fd, long mask, int flags) throws ErrnoException {
        if ((flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) != 0) {
            return -EINVAL;
        }
        if (fd == -1) {
            return NewFiles.install(
                    task,
                    new SignalFile(task.threadGroup(), mask, flags & SFD_NONBLOCK),
                    (flags & SFD_CLOEXEC) != 0);
        }
        try (FileDescription file = task.fds().get(fd)) {
            if (!(file instanceof SignalFile signals)) {
                return -EINVAL;
            }
            signals.setMask(mask);
            return fd;
        }
    }

    private EventSyscalls() {}
}
