package dev.thaw.sentry.fs.event;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLRDNORM;
import static dev.thaw.abi.Time.CLOCK_BOOTTIME;
import static dev.thaw.abi.Time.CLOCK_BOOTTIME_ALARM;
import static dev.thaw.abi.Time.CLOCK_MONOTONIC;
import static dev.thaw.abi.Time.CLOCK_REALTIME;
import static dev.thaw.abi.Time.CLOCK_REALTIME_ALARM;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.time.Timer;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import org.jspecify.annotations.Nullable;

/**
 * A timerfd_create(2) timer. Expiries are counted from the clock when someone asks; the kernel's timer only wakes. The deadline is kept in the time line that it is bound to: a
 * realtime one for an absolute timer on CLOCK_REALTIME (so it follows the host's time over a restore), else the clock's own.
 */
public final class TimerFile extends FileDescription {
    private final KernelLock mu = new KernelLock(LockClass.FILE);
    private final WaitQueue queue = new WaitQueue();
    private final int clock;

    private @Nullable Kernel kernel; // set by the constructor or the restore, then final

    @GuardedBy("mu")
    private @Nullable Timer timer;

    @GuardedBy("mu")
    private int timeLine = CLOCK_MONOTONIC;

    @GuardedBy("mu")
    private boolean armed;

    @GuardedBy("mu")
    private long deadline;

    @GuardedBy("mu")
    private long interval;

    @GuardedBy("mu")
    private long ticks;

    public TimerFile(Kernel kernel, int clock, int flags) {
        super(O_RDWR | flags);
        this.kernel = kernel;
        this.clock = clock;
    }

    private TimerFile(State state) {
        super(state.file);
        clock = state.clock;
    }

    @Override
    public String description() {
        return "anon_inode:[timerfd]";
    }

    /** Arms for {@code value} ns (from now, or on the clock when {@code absolute}), 0 to disarm, then every {@code every} ns. Returns what {@link #get} did before. */
    public long[] set(long value, long every, boolean absolute) {
        mu.lock();
        try {
            long[] before = getLocked();
            ticks = 0;
            armed = value != 0;
            interval = every;
            boolean realtime = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
            timeLine =
                    clock == CLOCK_BOOTTIME || clock == CLOCK_BOOTTIME_ALARM
                            ? CLOCK_BOOTTIME
                            : realtime && absolute ? CLOCK_REALTIME : CLOCK_MONOTONIC;
            deadline = absolute ? value : saturatedSum(nowLocked(), value);
            scheduleLocked();
            return before;
        } finally {
            mu.unlock();
        }
    }

    /** The ns left until the next expiry (0: disarmed) and the interval. */
    public long[] get() {
        mu.lock();
        try {
            return getLocked();
        } finally {
            mu.unlock();
        }
    }

    @GuardedBy("mu")
    private long[] getLocked() {
        countLocked();
        return new long[] {armed ? Math.max(1, deadline - nowLocked()) : 0, interval};
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        if (target.remaining() < Long.BYTES) {
            throw errno(EINVAL);
        }
        long value;
        mu.lock();
        try {
            countLocked();
            if (ticks == 0) {
                return -EAGAIN;
            }
            value = ticks;
            ticks = 0;
        } finally {
            mu.unlock();
        }
        return LittleEndian.putLong(target, value);
    }

    @Override
    public int poll(int mask) {
        mu.lock();
        try {
            countLocked();
            return ticks > 0 ? (POLLIN | POLLRDNORM) & mask : 0;
        } finally {
            mu.unlock();
        }
    }

    /** Counts the expiries up to now. */
    @GuardedBy("mu")
    private void countLocked() {
        if (!armed) {
            return;
        }
        long now = nowLocked();
        if (now < deadline) {
            return;
        }
        if (interval > 0) {
            long passed = 1 + (now - deadline) / interval;
            ticks += passed;
            deadline += passed * interval;
        } else {
            ticks++;
            armed = false;
        }
    }

    private void expired() {
        mu.lock();
        try {
            countLocked();
            scheduleLocked();
        } finally {
            mu.unlock();
        }
        queue.notify(POLLIN | POLLRDNORM);
    }

    @GuardedBy("mu")
    private void scheduleLocked() {
        Timer current = timer;
        if (armed) {
            if (current == null) {
                current = kernel().timers().newTimer(this::expired);
                timer = current;
            }
            long monotonic = kernel().clock().monotonic();
            current.set(saturatedSum(monotonic, deadline - nowLocked()), 0);
        } else if (current != null) {
            current.cancel();
        }
    }

    @GuardedBy("mu")
    private long nowLocked() {
        return switch (timeLine) {
            case CLOCK_REALTIME -> kernel().clock().realtime();
            case CLOCK_BOOTTIME -> kernel().clock().boottime();
            default -> kernel().clock().monotonic();
        };
    }

    private Kernel kernel() {
        Kernel current = kernel;
        if (current == null) {
            throw new IllegalStateException("not linked yet");
        }
        return current;
    }

    private static long saturatedSum(long a, long b) {
        long sum = a + b;
        return b > 0 && sum < a ? Long.MAX_VALUE - 1 : sum;
    }

    @Override
    protected void release() {
        mu.lock();
        try {
            armed = false;
            scheduleLocked();
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void addWaiter(Waiter waiter, int mask) {
        queue.add(waiter, mask);
    }

    @Override
    public void removeWaiter(Waiter waiter) {
        queue.remove(waiter);
    }

    /** The clock it was made for. */
    public int clock() {
        return clock;
    }

    /** What a checkpoint keeps. Guest monotonic time goes on over a restore, so a deadline on it keeps the time that was left. */
    @StateType(id = 0x040b, version = 1)
    public record State(
            FileState file,
            int kernel,
            int clock,
            int timeLine,
            boolean armed,
            long deadline,
            long interval,
            long ticks) {}

    @Override
    public Record save(SaveContext context) {
        mu.lock();
        try {
            return new State(
                    saveFile(context),
                    context.ref(kernel()),
                    clock,
                    timeLine,
                    armed,
                    deadline,
                    interval,
                    ticks);
        } finally {
            mu.unlock();
        }
    }

    private void restore(State state, RestoreContext context) {
        kernel = context.get(state.kernel, Kernel.class);
        mu.lock();
        try {
            timeLine = state.timeLine;
            armed = state.armed;
            deadline = state.deadline;
            interval = state.interval;
            ticks = state.ticks;
        } finally {
            mu.unlock();
        }
        context.afterLink(this::expired);
    }

    static final Restorer<State, TimerFile> RESTORER =
            new Restorer<>() {
                @Override
                public TimerFile create(State state, RestoreContext context) {
                    return new TimerFile(state);
                }

                @Override
                public void link(TimerFile file, State state, RestoreContext context) {
                    file.restore(state, context);
                }
            };
}
