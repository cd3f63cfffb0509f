package dev.thaw.sentry.time;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Runs timers: one thread, one heap. Actions run on that thread with no lock held and must be short (send a signal, wake a queue). While the kernel is paused no action runs.
 */
public final class TimerService implements AutoCloseable {
    private final KernelClock clock;
    private final KernelLock mu = new KernelLock(LockClass.TIMER);

    @GuardedBy("mu")
    private @Nullable Timer[] heap = new @Nullable Timer[16];

    @GuardedBy("mu")
    private int size;

    private volatile @Nullable Thread thread;
    private volatile boolean closed;
    private volatile boolean paused;
    private volatile boolean running;
    private volatile long wakeAt = Long.MAX_VALUE;

    public TimerService(KernelClock clock) {
        this.clock = clock;
    }

    /** A new, disarmed timer. */
    public Timer newTimer(Runnable onExpiry) {
        return new Timer(this, onExpiry);
    }

    /** Holds back all actions; returns when none is running. */
    public void pause() {
        paused = true;
        while (running && Thread.currentThread() != thread) {
            Thread.onSpinWait();
        }
    }

    /** Lets actions run again. */
    public void resume() {
        paused = false;
        wakeThread();
    }

    @Override
    public void close() {
        closed = true;
        wakeThread();
    }

    void set(Timer timer, long deadline, long interval) {
        boolean earlier = false;
        mu.lock();
        try {
            removeLocked(timer);
            timer.deadline = deadline;
            timer.interval = interval;
            if (deadline != Timer.OFF) {
                insertLocked(timer);
                earlier = deadline < wakeAt;
            }
        } finally {
            mu.unlock();
        }
        if (earlier) {
            wakeThread();
        }
    }

    long deadlineOf(Timer timer) {
        mu.lock();
        try {
            return timer.deadline;
        } finally {
            mu.unlock();
        }
    }

    long intervalOf(Timer timer) {
        mu.lock();
        try {
            return timer.interval;
        } finally {
            mu.unlock();
        }
    }

    private void wakeThread() {
        Thread current = thread;
        if (current == null && !closed) {
            mu.lock();
            try {
                current = thread;
                if (current == null) {
                    current =
                            Thread.ofPlatform()
                                    .daemon()
                                    .name("timers")
                                    .stackSize(256 << 10)
                                    .unstarted(this::loop);
                    thread = current;
                    current.start();
                }
            } finally {
                mu.unlock();
            }
        }
        LockSupport.unpark(current);
    }

    private void loop() {
        while (!closed) {
            running = true;
            long next = paused ? Long.MAX_VALUE : expire(clock.monotonic());
            running = false;
            if (next == Long.MAX_VALUE) {
                LockSupport.park(this);
            } else {
                long left = next - clock.monotonic();
                if (left > 0) {
                    LockSupport.parkNanos(this, left);
                }
            }
        }
    }

    /** Runs what is due at {@code now} and returns when the next timer is. Package-private for tests, which have no thread. */
    long expire(long now) {
        while (!paused) {
            Timer due;
            mu.lock();
            try {
                if (size == 0) {
                    wakeAt = Long.MAX_VALUE;
                    return Long.MAX_VALUE;
                }
                due = top();
                if (due.deadline > now) {
                    wakeAt = due.deadline;
                    return due.deadline;
                }
                removeLocked(due);
                if (due.interval > 0) {
                    // Expiries that were missed count as one action; owners that count overruns do
                    // so from their own deadline.
                    long missed = (now - due.deadline) / due.interval;
                    due.deadline += (missed + 1) * due.interval;
                    insertLocked(due);
                } else {
                    due.deadline = Timer.OFF;
                }
            } finally {
                mu.unlock();
            }
            due.action.run();
        }
        return Long.MAX_VALUE;
    }

    @GuardedBy("mu")
    private Timer top() {
        Timer top = heap[0];
        if (top == null) {
            throw new AssertionError("empty heap");
        }
        return top;
    }

    @GuardedBy("mu")
    private void insertLocked(Timer timer) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        siftUp(size++, timer);
    }

    @GuardedBy("mu")
    private void removeLocked(Timer timer) {
        int index = timer.heapIndex;
        if (index < 0) {
            return;
        }
        timer.heapIndex = -1;
        Timer last = heap[--size];
        heap[size] = null;
        if (last != null && last != timer) {
            siftDown(index, last);
            if (heap[index] == last) {
                siftUp(index, last);
            }
        }
    }

    @GuardedBy("mu")
    private void siftUp(int index, Timer timer) {
        while (index > 0) {
            int parent = (index - 1) >>> 1;
            Timer other = heap[parent];
            if (other == null || other.deadline <= timer.deadline) {
                break;
            }
            heap[index] = other;
            other.heapIndex = index;
            index = parent;
        }
        heap[index] = timer;
        timer.heapIndex = index;
    }

    @GuardedBy("mu")
    private void siftDown(int index, Timer timer) {
        while (true) {
            int child = 2 * index + 1;
            if (child >= size) {
                break;
            }
            Timer left = heap[child];
            Timer right = child + 1 < size ? heap[child + 1] : null;
            Timer least = left;
            if (right != null && left != null && right.deadline < left.deadline) {
                least = right;
                child++;
            }
            if (least == null || least.deadline >= timer.deadline) {
                break;
            }
            heap[index] = least;
            least.heapIndex = index;
            index = child;
        }
        heap[index] = timer;
        timer.heapIndex = index;
    }
}
