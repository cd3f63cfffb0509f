package dev.thaw.sentry.kernel;

import org.jspecify.annotations.Nullable;

/** A task's place in a futex queue; one for each task. Fields change under the lock of the bucket that {@link #bucket} names. */
final class FutexWaiter {
    final Task task;
    volatile FutexTable.@Nullable Bucket bucket;
    @Nullable Object space;
    long offset;
    int bitset;
    @Nullable FutexWaiter next;
    @Nullable FutexWaiter previous;

    /** Set when a waker took it off the queue. */
    volatile boolean woken;

    FutexWaiter(Task task) {
        this.task = task;
    }
}
