package dev.thaw.sentry.wait;

import java.util.concurrent.atomic.AtomicReference;

/**
 * Those who wait for an object's readiness (Linux: {@code wait_queue_head_t}). Not saved: every waiter comes back by restarting its system call.
 *
 * <p>The entries are an immutable array that is replaced, so {@link #notify} takes no lock, may be called with any lock held, and an epoll instance may wait on an object and be waited
 * for itself. A wake may therefore still arrive just after {@link #remove}: waiters take a wake as a hint.
 */
public final class WaitQueue {
    private record Entry(Waiter waiter, int events) {}

    private static final Entry[] NONE = {};

    private final AtomicReference<Entry[]> entries = new AtomicReference<>(NONE);

    /** Adds {@code waiter} for {@code events} (a poll mask; error and hang-up are always included). */
    public void add(Waiter waiter, int events) {
        Entry added = new Entry(waiter, events | 0x18);
        Entry[] old;
        Entry[] now;
        do {
            old = entries.get();
            now = new Entry[old.length + 1];
            System.arraycopy(old, 0, now, 0, old.length);
            now[old.length] = added;
        } while (!entries.compareAndSet(old, now));
    }

    /** Removes every entry of {@code waiter}. */
    public void remove(Waiter waiter) {
        Entry[] old;
        Entry[] now;
        do {
            old = entries.get();
            now = without(old, waiter);
        } while (now != old && !entries.compareAndSet(old, now));
    }

    /** Wakes all who wait for one of {@code events}. The object's state must have been changed before. */
    public void notify(int events) {
        for (Entry entry : entries.get()) {
            int happened = entry.events & events;
            if (happened != 0) {
                entry.waiter.wake(happened);
            }
        }
    }

    /** Whether nobody waits. */
    public boolean isEmpty() {
        return entries.get().length == 0;
    }

    private static Entry[] without(Entry[] old, Waiter waiter) {
        int kept = 0;
        for (Entry entry : old) {
            if (entry.waiter != waiter) {
                kept++;
            }
        }
        if (kept == old.length) {
            return old;
        }
        if (kept == 0) {
            return NONE;
        }
        Entry[] now = new Entry[kept];
        int i = 0;
        for (Entry entry : old) {
            if (entry.waiter != waiter) {
                now[i++] = entry;
            }
        }
        return now;
    }
}
