package dev.thaw.sentry.wait;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import java.util.ArrayList;

/** Those who wait for an object's readiness (Linux: {@code wait_queue_head_t}). Not saved: every waiter comes back by restarting its system call. */
public final class WaitQueue {
    private record Entry(Waiter waiter, int events) {}

    private final KernelLock mu = new KernelLock(LockClass.WAIT_QUEUE);

    @GuardedBy("mu")
    private final ArrayList<Entry> entries = new ArrayList<>(2);

    private volatile int size;

    /** Adds {@code waiter} for {@code events} (a poll mask; error and hang-up are always included). */
    public void add(Waiter waiter, int events) {
        mu.lock();
        try {
            entries.add(new Entry(waiter, events | 0x18));
            size = entries.size();
        } finally {
            mu.unlock();
        }
    }

    /** Removes every entry of {@code waiter}. */
    public void remove(Waiter waiter) {
        mu.lock();
        try {
            for (int i = entries.size() - 1; i >= 0; i--) {
                if (entries.get(i).waiter == waiter) {
                    entries.remove(i);
                }
            }
            size = entries.size();
        } finally {
            mu.unlock();
        }
    }

    /** Wakes all who wait for one of {@code events}. The object's state must have been changed before. */
    public void notify(int events) {
        if (size == 0) {
            return;
        }
        mu.lock();
        try {
            for (int i = 0; i < entries.size(); i++) {
                Entry entry = entries.get(i);
                if ((entry.events & events) != 0) {
                    entry.waiter.wake(events & entry.events);
                }
            }
        } finally {
            mu.unlock();
        }
    }
}
