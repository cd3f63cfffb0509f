package dev.thaw.sentry.kernel;

import dev.thaw.sentry.time.KernelClock;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * How a task waits: a wake flag, a set of reasons to stop waiting, and the Java thread parked between them. Every write that must end a wait is made before {@code parked} is read, and
 * {@code parked} is set before the last look at them, so no wake is lost.
 */
final class Blocker implements Task.TaskWaiter {
    private static final int CORES = Runtime.getRuntime().availableProcessors();
    private static final int SPIN_MAX = 4_000;
    private static final AtomicInteger SPINNERS = new AtomicInteger();

    private final KernelClock clock;
    private final CpuTicker ticker;
    private volatile boolean woken;
    private volatile boolean parked;
    private volatile @Nullable Thread thread;
    private int spins = SPIN_MAX / 4;

    Blocker(KernelClock clock, CpuTicker ticker) {
        this.clock = clock;
        this.ticker = ticker;
    }

    void setThread(@Nullable Thread thread) {
        this.thread = thread;
    }

    @Override
    public void clear() {
        woken = false;
    }

    @Override
    public void wake(int events) {
        if (!woken) {
            woken = true;
            unpark();
        }
    }

    boolean isParked() {
        return parked;
    }

    /** Makes a wait look at its conditions again. */
    void unpark() {
        if (parked) {
            LockSupport.unpark(thread);
        }
    }

    /** Waits until woken (0), until {@code work} has a bit of {@code mask} (-ERESTARTSYS), or {@code deadline} (-ETIMEDOUT); in this order of precedence. */
    int await(Task task, int mask, long deadline) {
        if (woken) {
            return 0;
        }
        if ((task.work() & mask) != 0) {
            return -dev.thaw.abi.Errno.ERESTARTSYS;
        }
        if (spin(task, mask, deadline)) {
            return 0;
        }
        ticker.taskBlocks();
        parked = true;
        try {
            while (true) {
                if (woken) {
                    return 0;
                }
                if ((task.work() & mask) != 0) {
                    return -dev.thaw.abi.Errno.ERESTARTSYS;
                }
                if (deadline == Long.MAX_VALUE) {
                    LockSupport.park(this);
                } else {
                    long left = deadline - clock.monotonic();
                    if (left <= 0) {
                        return -dev.thaw.abi.Errno.ETIMEDOUT;
                    }
                    LockSupport.parkNanos(this, left);
                }
                Thread.interrupted();
            }
        } finally {
            parked = false;
            ticker.taskUnblocks();
        }
    }

    /** A short wait without giving up the core, as long as such waits pay and a core is left for who would wake us. */
    private boolean spin(Task task, int mask, long deadline) {
        if (CORES < 2 || spins < 16 && (++spins & 15) != 0) {
            return false;
        }
        if (deadline != Long.MAX_VALUE && deadline - clock.monotonic() <= 0) {
            return false;
        }
        if (SPINNERS.incrementAndGet() >= CORES) {
            SPINNERS.decrementAndGet();
            return false;
        }
        try {
            int limit = Math.max(spins, 64);
            for (int i = 0; i < limit; i++) {
                if (woken) {
                    spins = Math.min(SPIN_MAX, spins * 2 + 16);
                    return true;
                }
                if ((task.work() & mask) != 0) {
                    return false;
                }
                Thread.onSpinWait();
            }
            spins >>= 1;
            return false;
        } finally {
            SPINNERS.decrementAndGet();
        }
    }
}
