package dev.thaw.sentry.kernel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Accounts CPU time by sampling, as a kernel with a timer tick does: 100 times a second each task that is not blocked is charged for the tick, as user time when it runs guest code. So a
 * system call pays nothing for it. The thread sleeps while every task is blocked.
 */
public final class CpuTicker {
    /** The length of a tick. */
    public static final long TICK_NS = 10_000_000;

    private final Kernel kernel;
    private final AtomicInteger runnable = new AtomicInteger();
    private volatile boolean idle;
    private volatile boolean closed;
    private volatile @Nullable Thread thread;

    CpuTicker(Kernel kernel) {
        this.kernel = kernel;
    }

    void start() {
        Thread started =
                Thread.ofPlatform()
                        .daemon()
                        .name("ticker")
                        .stackSize(256 << 10)
                        .unstarted(this::loop);
        thread = started;
        started.start();
    }

    void taskBlocks() {
        runnable.decrementAndGet();
    }

    void taskUnblocks() {
        runnable.incrementAndGet();
        if (idle) {
            LockSupport.unpark(thread);
        }
    }

    /** Tasks that want a core now. */
    public int runnable() {
        return Math.max(0, runnable.get());
    }

    void close() {
        closed = true;
        LockSupport.unpark(thread);
    }

    private void loop() {
        long last = System.nanoTime();
        while (!closed) {
            if (runnable.get() <= 0) {
                idle = true;
                while (runnable.get() <= 0 && !closed) {
                    LockSupport.park(this);
                }
                idle = false;
                last = System.nanoTime();
            }
            LockSupport.parkNanos(this, TICK_NS);
            long now = System.nanoTime();
            long passed = now - last;
            if (passed >= TICK_NS / 2) {
                last = now;
                if (!kernel.isPaused()) {
                    kernel.charge(Math.min(passed, 10 * TICK_NS));
                }
            }
        }
    }
}
