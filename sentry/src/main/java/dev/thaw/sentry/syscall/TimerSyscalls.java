package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Time.TIMER_ABSTIME;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.signal.SignalSet;
import dev.thaw.sentry.time.PosixTimer;
import dev.thaw.sentry.time.ProcessTimers.Setting;

/** alarm, getitimer, setitimer, timer_*. */
final class TimerSyscalls {
    static long alarm(Task task, SyscallArgs args) {
        long seconds = args.int32(0) & 0xffffffffL;
        Setting old =
                task.threadGroup().timers().setInterval(0, new Setting(seconds * Guest.SECOND, 0));
        return old.value() == 0 ? 0 : Math.max(1, (old.value() + Guest.SECOND / 2) / Guest.SECOND);
    }

    static long getitimer(Task task, SyscallArgs args) throws ErrnoException {
        write(task, args.addr(1), task.threadGroup().timers().interval(which(args)));
        return 0;
    }

    static long setitimer(Task task, SyscallArgs args) throws ErrnoException {
        int which = which(args);
        Setting next = Setting.OFF;
        if (args.addr(1) != 0) {
            next =
                    new Setting(
                            Guest.readTimeval(task, args.addr(1) + 16),
                            Guest.readTimeval(task, args.addr(1)));
        }
        Setting old = task.threadGroup().timers().setInterval(which, next);
        if (args.addr(2) != 0) {
            write(task, args.addr(2), old);
        }
        return 0;
    }

    private static int which(SyscallArgs args) throws ErrnoException {
        int which = args.int32(0);
        if (which < 0 || which > 2) {
            throw errno(EINVAL);
        }
        return which;
    }

    private static void write(Task task, long address, Setting setting) throws ErrnoException {
        Guest.writeTimeval(task, address, setting.interval());
        Guest.writeTimeval(
                task, address + 16, setting.value() == 0 ? 0 : Math.max(1000, setting.value()));
    }

    /**
     * timer_create(2).
     *
     * <pre>
     * struct sigevent { 0 sigev_value 8 sigev_signo 12 sigev_notify 16 sigev_notify_thread_id } // 64 bytes
     * </pre>
     */
    static long timerCreate(Task task, SyscallArgs args) throws ErrnoException {
        int clock = args.int32(0);
        TimeSyscalls.read(task, clock);
        int notify = PosixTimer.SIGNAL;
        int signal = Signals.SIGALRM;
        int tid = 0;
        long value = 0;
        boolean hasEvent = args.addr(1) != 0;
        if (hasEvent) {
            byte[] b = task.mm().copyInBytes(args.addr(1), 64);
            value = Guest.getLong(b, 0);
            signal = Guest.getInt(b, 8);
            notify = Guest.getInt(b, 12);
            tid = Guest.getInt(b, 16);
            if (notify == PosixTimer.THREAD_ID) {
                Task target = task.kernel().tasks().task(tid);
                if (target == null || target.threadGroup() != task.threadGroup()) {
                    throw errno(EINVAL);
                }
            } else if (notify != PosixTimer.SIGNAL && notify != PosixTimer.NONE && notify != 2) {
                throw errno(EINVAL);
            }
            if (notify != PosixTimer.NONE && !SignalSet.isValid(signal)) {
                throw errno(EINVAL);
            }
        }
        PosixTimer timer =
                task.threadGroup().timers().create(clock, notify, signal, tid, value, !hasEvent);
        try {
            task.mm().writeInt(args.addr(2), timer.id());
        } catch (ErrnoException e) {
            task.threadGroup().timers().delete(timer.id());
            throw e;
        }
        return 0;
    }

    static long timerSettime(Task task, SyscallArgs args) throws ErrnoException {
        PosixTimer timer = task.threadGroup().timers().get(args.int32(0));
        long address = args.addr(2);
        Setting next =
                new Setting(
                        Guest.readTimespec(task, address + 16), Guest.readTimespec(task, address));
        Setting old = timer.set(next, (args.int32(1) & TIMER_ABSTIME) != 0);
        if (args.addr(3) != 0) {
            writeSpec(task, args.addr(3), old);
        }
        return 0;
    }

    static long timerGettime(Task task, SyscallArgs args) throws ErrnoException {
        writeSpec(task, args.addr(1), task.threadGroup().timers().get(args.int32(0)).get());
        return 0;
    }

    private static void writeSpec(Task task, long address, Setting setting) throws ErrnoException {
        Guest.writeTimespec(task, address, setting.interval());
        Guest.writeTimespec(task, address + 16, setting.value());
    }

    static long timerGetoverrun(Task task, SyscallArgs args) throws ErrnoException {
        return task.threadGroup().timers().get(args.int32(0)).overrun();
    }

    static long timerDelete(Task task, SyscallArgs args) throws ErrnoException {
        task.threadGroup().timers().delete(args.int32(0));
        return 0;
    }

    private TimerSyscalls() {}
}
