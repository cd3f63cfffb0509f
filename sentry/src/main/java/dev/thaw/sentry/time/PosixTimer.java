package dev.thaw.sentry.time;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.abi.Time;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.signal.SignalInfo;

/** A timer of timer_create(2). At most one of its signals is queued at a time; what expires meanwhile is counted as overrun. */
public final class PosixTimer {
    /** SIGEV_ values. */
    public static final int SIGNAL = 0;

    public static final int NONE = 1;
    public static final int THREAD_ID = 4;

    private final ThreadGroup group;
    private final int id;
    private final int clock;
    private final int notify;
    private final int signal;
    private final int targetTid;
    private final long value;
    private final Timer timer;
    private final KernelLock mu = new KernelLock(LockClass.TIMER);

    /** In monotonic or CPU time; {@link Long#MAX_VALUE} when disarmed. */
    @GuardedBy("mu")
    private long deadline = Long.MAX_VALUE;

    @GuardedBy("mu")
    private long interval;

    private volatile boolean queued;
    private volatile int pendingOverrun;
    private volatile int lastOverrun;

    PosixTimer(
            ThreadGroup group,
            int id,
            int clock,
            int notify,
            int signal,
            int targetTid,
            long value) {
        this.group = group;
        this.id = id;
        this.clock = clock;
        this.notify = notify;
        this.signal = signal;
        this.targetTid = targetTid;
        this.value = value;
        this.timer = group.kernel().timers().newTimer(this::expired);
    }

    public int id() {
        return id;
    }

    boolean onCpuTime() {
        return clock == Time.CLOCK_PROCESS_CPUTIME_ID
                || clock == Time.CLOCK_THREAD_CPUTIME_ID
                || clock < 0;
    }

    /** timer_gettime(2). */
    public ProcessTimers.Setting get() {
        long next;
        long every;
        mu.lock();
        try {
            next = deadline;
            every = interval;
        } finally {
            mu.unlock();
        }
        if (next == Long.MAX_VALUE) {
            return ProcessTimers.Setting.OFF;
        }
        return new ProcessTimers.Setting(Math.max(1, next - now()), every);
    }

    /** timer_settime(2): returns the old setting. */
    public ProcessTimers.Setting set(ProcessTimers.Setting setting, boolean absolute) {
        ProcessTimers.Setting old = get();
        long start;
        if (setting.value() == 0) {
            start = Long.MAX_VALUE;
        } else if (!absolute) {
            start = ProcessTimers.saturated(now(), setting.value());
        } else if (clock == Time.CLOCK_REALTIME
                || clock == Time.CLOCK_REALTIME_ALARM
                || clock == Time.CLOCK_TAI) {
            start =
                    ProcessTimers.saturated(
                            now(), setting.value() - group.kernel().clock().realtime());
        } else if (clock == Time.CLOCK_BOOTTIME || clock == Time.CLOCK_BOOTTIME_ALARM) {
            start =
                    ProcessTimers.saturated(
                            now(), setting.value() - group.kernel().clock().boottime());
        } else {
            start = setting.value();
        }
        mu.lock();
        try {
            deadline = start;
            interval = setting.interval();
        } finally {
            mu.unlock();
        }
        queued = false;
        pendingOverrun = 0;
        lastOverrun = 0;
        if (!onCpuTime()) {
            timer.set(start, 0);
        }
        return old;
    }

    public int overrun() {
        return lastOverrun;
    }

    void cancel() {
        mu.lock();
        try {
            deadline = Long.MAX_VALUE;
        } finally {
            mu.unlock();
        }
        timer.cancel();
    }

    void tick() {
        if (onCpuTime()) {
            expired();
        }
    }

    private void expired() {
        long missed = 0;
        mu.lock();
        try {
            long now = now();
            if (now < deadline) {
                return;
            }
            if (interval > 0) {
                missed = (now - deadline) / interval;
                deadline += (missed + 1) * interval;
            } else {
                deadline = Long.MAX_VALUE;
            }
        } finally {
            mu.unlock();
        }
        rearm();
        if (notify == NONE) {
            return;
        }
        if (queued) {
            pendingOverrun = (int) Math.min(Integer.MAX_VALUE, pendingOverrun + missed + 1);
            return;
        }
        queued = true;
        pendingOverrun = (int) Math.min(Integer.MAX_VALUE, missed);
        SignalInfo info = SignalInfo.timer(signal, id, value);
        if (notify == THREAD_ID) {
            Task target = group.kernel().tasks().task(targetTid);
            if (target != null && target.threadGroup() == group) {
                group.kernel().signals().sendToTask(target, info, true);
            }
        } else {
            group.kernel().signals().sendToGroup(group, info, true);
        }
        if (!isPending()) {
            queued = false; // ignored
        }
    }

    private boolean isPending() {
        long bit = 1L << (signal - 1);
        for (Task task : group.tasks()) {
            if ((task.signals().pendingSet() & bit) != 0) {
                return true;
            }
        }
        return false;
    }

    private void rearm() {
        if (onCpuTime()) {
            return;
        }
        long next;
        mu.lock();
        try {
            next = deadline;
        } finally {
            mu.unlock();
        }
        if (next != Long.MAX_VALUE) {
            timer.set(next, 0);
        }
    }

    void delivered(SignalInfo info) {
        lastOverrun = pendingOverrun;
        pendingOverrun = 0;
        queued = false;
        info.setOverrun(lastOverrun);
    }

    private long now() {
        return onCpuTime()
                ? group.userTime() + group.systemTime()
                : group.kernel().clock().monotonic();
    }

    TimeStates.PosixTimerState save() {
        ProcessTimers.Setting setting = get();
        return new TimeStates.PosixTimerState(
                id,
                clock,
                notify,
                signal,
                targetTid,
                value,
                setting.value(),
                setting.interval(),
                queued,
                pendingOverrun,
                lastOverrun);
    }

    static PosixTimer restore(ThreadGroup group, TimeStates.PosixTimerState s) {
        PosixTimer timer =
                new PosixTimer(
                        group,
                        s.id(),
                        s.clock(),
                        s.notification(),
                        s.signal(),
                        s.targetTid(),
                        s.value());
        if (s.timeLeft() > 0) {
            timer.set(new ProcessTimers.Setting(s.timeLeft(), s.interval()), false);
        }
        timer.queued = s.queued();
        timer.pendingOverrun = s.pendingOverrun();
        timer.lastOverrun = s.lastOverrun();
        return timer;
    }
}
