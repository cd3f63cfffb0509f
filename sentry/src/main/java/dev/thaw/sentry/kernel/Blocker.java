package dev.thaw.sentry.kernel;

import dev.thaw.host.HostCpu;
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
    private static final long SPIN_MAX_NS = 20_000;
    private static final long SPIN_MIN_NS = 2_000;
    private static final AtomicInteger SPINNERS = new AtomicInteger();

    private final KernelClock clock;
    private final CpuTicker ticker;
    private volatile boolean woken;
    private volatile boolean parked;
    private volatile @Nullable Thread thread;
    private long spinNs = SPIN_MAX_NS / 2;
    private int skipped;

    /** Waits below this are of tasks that hand work to each other. A byte there and back over two pipes takes 24 us on one processor and 53 across two, the price of waking an idle one twice. */
    private static final long HAND_OVER_NS = 200_000;

    /** After so many in a row a task moves beside its waker. The move takes some us; the host's balancer may part them again. */
    private static final int HAND_OVERS = 16;

    private volatile int wakerCpu = -1;
    private int handOvers;

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
            if (parked) {
                wakerCpu = HostCpu.current();
            }
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
        task.runLoop.guestIdles();
        ticker.taskBlocks();
        long start = System.nanoTime();
        parked = true;
        try {
            while (true) {
                if (woken) {
                    handedOver(task, System.nanoTime() - start);
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

    private void handedOver(Task task, long waited) {
        if (waited > HAND_OVER_NS) {
            handOvers = 0;
        } else if (++handOvers >= HAND_OVERS) {
            handOvers = 0;
            int cpu = wakerCpu;
            // Of two on different processors one goes to the other, or they would change places;
            // and
            // the guest's thread goes along.
            if (cpu >= 0 && cpu <= HostCpu.current()) {
                task.runLoop.guestMoves(cpu);
            }
        }
    }

    /** A short wait without giving up the core, as long as such waits pay and a core is left for who would wake us. */
    private boolean spin(Task task, int mask, long deadline) {
        if (CORES < 2
                || wakerCpu == HostCpu.current() // who wakes us needs this one
                || ticker.runnable() > CORES
                || spinNs < SPIN_MIN_NS && (++skipped & 15) != 0) {
            return false;
        }
        long start = System.nanoTime();
        long end = start + Math.max(spinNs, SPIN_MIN_NS);
        if (deadline != Long.MAX_VALUE && deadline - clock.monotonic() <= 0) {
            return false;
        }
        if (SPINNERS.incrementAndGet() >= CORES) {
            SPINNERS.decrementAndGet();
            return false;
        }
        try {
            do {
                for (int i = 0; i < 8; i++) {
                    if (woken) {
                        spinNs = Math.min(SPIN_MAX_NS, spinNs * 2 + 1000);
                        return true;
                    }
                    Thread.onSpinWait();
                }
                if ((task.work() & mask) != 0) {
                    return false;
                }
            } while (System.nanoTime() < end);
            spinNs >>= 1;
            return false;
        } finally {
            SPINNERS.decrementAndGet();
        }
    }
}
