package dev.thaw.sentry.time;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.abi.Signals;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.signal.SignalInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** A process's timers: the three of setitimer(2) and those of timer_create(2). CPU-time timers are looked at with each tick. */
public final class ProcessTimers {
    /** Timers one process may have. */
    private static final int LIMIT = 1024;

    /** A setting as the guest sees it: time to the next expiry (0: disarmed) and interval, in ns. */
    public record Setting(long value, long interval) {
        public static final Setting OFF = new Setting(0, 0);
    }

    private final ThreadGroup group;
    private final KernelLock mu = new KernelLock(LockClass.SIGNAL);
    private final Timer real;

    /** Deadlines in CPU time of ITIMER_VIRTUAL and ITIMER_PROF; {@link Long#MAX_VALUE} when disarmed. */
    @GuardedBy("mu")
    private final long[] cpuDeadline = {Long.MAX_VALUE, Long.MAX_VALUE};

    @GuardedBy("mu")
    private final long[] cpuInterval = new long[2];

    @GuardedBy("mu")
    private final TreeMap<Integer, PosixTimer> posix = new TreeMap<>();

    @GuardedBy("mu")
    private int nextId;

    private volatile boolean cpuTimers;

    public ProcessTimers(ThreadGroup group) {
        this.group = group;
        this.real = group.kernel().timers().newTimer(this::alarm);
    }

    private void alarm() {
        group.kernel()
                .signals()
                .sendToGroup(group, SignalInfo.of(Signals.SIGALRM, Signals.SI_KERNEL), true);
    }

    /** getitimer(2). */
    public Setting interval(int which) {
        if (which == 0) {
            long deadline = real.deadline();
            return deadline == Long.MAX_VALUE
                    ? Setting.OFF
                    : new Setting(Math.max(1, deadline - now()), real.interval());
        }
        mu.lock();
        try {
            long deadline = cpuDeadline[which - 1];
            return deadline == Long.MAX_VALUE
                    ? Setting.OFF
                    : new Setting(Math.max(1, deadline - cpuTime(which)), cpuInterval[which - 1]);
        } finally {
            mu.unlock();
        }
    }

    /** setitimer(2): returns the old setting. */
    public Setting setInterval(int which, Setting setting) {
        Setting old = interval(which);
        if (which == 0) {
            if (setting.value() == 0) {
                real.cancel();
            } else {
                real.set(saturated(now(), setting.value()), setting.interval());
            }
            return old;
        }
        mu.lock();
        try {
            cpuDeadline[which - 1] =
                    setting.value() == 0
                            ? Long.MAX_VALUE
                            : saturated(cpuTime(which), setting.value());
            cpuInterval[which - 1] = setting.interval();
            cpuTimers = true;
        } finally {
            mu.unlock();
        }
        return old;
    }

    /** Called with each tick of CPU time. */
    public void tick() {
        if (!cpuTimers) {
            return;
        }
        for (int which = 1; which <= 2; which++) {
            boolean expired = false;
            mu.lock();
            try {
                long time = cpuTime(which);
                if (cpuDeadline[which - 1] <= time) {
                    expired = true;
                    cpuDeadline[which - 1] =
                            cpuInterval[which - 1] == 0
                                    ? Long.MAX_VALUE
                                    : time + cpuInterval[which - 1];
                }
            } finally {
                mu.unlock();
            }
            if (expired) {
                int signal = which == 1 ? Signals.SIGVTALRM : Signals.SIGPROF;
                group.kernel()
                        .signals()
                        .sendToGroup(group, SignalInfo.of(signal, Signals.SI_KERNEL), true);
            }
        }
        for (PosixTimer timer : posixTimers()) {
            timer.tick();
        }
    }

    private long cpuTime(int which) {
        return which == 1 ? group.userTime() : group.userTime() + group.systemTime();
    }

    /** timer_create(2): the new timer's id. */
    public PosixTimer create(
            int clock, int notify, int signal, int targetTid, long value, boolean valueIsId)
            throws ErrnoException {
        mu.lock();
        try {
            if (posix.size() >= LIMIT) {
                throw errno(EAGAIN);
            }
            while (posix.containsKey(nextId)) {
                nextId = nextId + 1 & Integer.MAX_VALUE;
            }
            int id = nextId;
            nextId = nextId + 1 & Integer.MAX_VALUE;
            PosixTimer timer =
                    new PosixTimer(
                            group, id, clock, notify, signal, targetTid, valueIsId ? id : value);
            posix.put(id, timer);
            if (timer.onCpuTime()) {
                cpuTimers = true;
            }
            return timer;
        } finally {
            mu.unlock();
        }
    }

    /** The timer with this id; EINVAL. */
    public PosixTimer get(int id) throws ErrnoException {
        mu.lock();
        try {
            PosixTimer timer = posix.get(id);
            if (timer == null) {
                throw errno(EINVAL);
            }
            return timer;
        } finally {
            mu.unlock();
        }
    }

    /** timer_delete(2). */
    public void delete(int id) throws ErrnoException {
        PosixTimer timer = get(id);
        mu.lock();
        try {
            posix.remove(id);
        } finally {
            mu.unlock();
        }
        timer.cancel();
    }

    /** A queued timer signal was taken. */
    public void delivered(SignalInfo info) {
        mu.lock();
        try {
            PosixTimer timer = posix.get(info.timerId());
            if (timer != null) {
                timer.delivered(info);
            }
        } finally {
            mu.unlock();
        }
    }

    /** execve(2) deletes the timers of timer_create; those of setitimer go on. */
    public void clearPosixTimers() {
        List<PosixTimer> gone = posixTimers();
        mu.lock();
        try {
            posix.clear();
        } finally {
            mu.unlock();
        }
        gone.forEach(PosixTimer::cancel);
    }

    /** The process is gone. */
    public void close() {
        real.cancel();
        cpuTimers = false;
        clearPosixTimers();
    }

    List<PosixTimer> posixTimers() {
        mu.lock();
        try {
            return posix.isEmpty() ? List.of() : new ArrayList<>(posix.values());
        } finally {
            mu.unlock();
        }
    }

    private long now() {
        return group.kernel().clock().monotonic();
    }

    static long saturated(long base, long add) {
        long sum = base + add;
        return sum < base ? Long.MAX_VALUE - 1 : sum;
    }

    /** What a checkpoint keeps: times left. */
    public TimeStates.ProcessTimersState save() {
        List<TimeStates.PosixTimerState> list = new ArrayList<>();
        for (PosixTimer timer : posixTimers()) {
            list.add(timer.save());
        }
        Setting a = interval(0);
        Setting b = interval(1);
        Setting c = interval(2);
        return new TimeStates.ProcessTimersState(
                new long[] {
                    a.value(), a.interval(), b.value(), b.interval(), c.value(), c.interval()
                },
                list);
    }

    /** Arms the timers again with the time that was left. */
    public void restore(TimeStates.ProcessTimersState state) {
        for (int which = 0; which < 3 && 2 * which + 1 < state.intervals().length; which++) {
            long value = state.intervals()[2 * which];
            if (value > 0) {
                setInterval(which, new Setting(value, state.intervals()[2 * which + 1]));
            }
        }
        for (TimeStates.PosixTimerState timer : state.timers()) {
            PosixTimer restored = PosixTimer.restore(group, timer);
            mu.lock();
            try {
                posix.put(timer.id(), restored);
                nextId = Math.max(nextId, timer.id() + 1);
                cpuTimers |= restored.onCpuTime();
            } finally {
                mu.unlock();
            }
        }
    }
}
