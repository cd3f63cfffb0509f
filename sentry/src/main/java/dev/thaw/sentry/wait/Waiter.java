package dev.thaw.sentry.wait;

/** Someone who waits on a {@link WaitQueue}: a blocked task, an epoll item, an asynchronous notice. */
public interface Waiter {
    /** Called with the events that happened (POLLIN, …), on any thread and with any lock held: must not block, and may take only {@code WAIT_QUEUE} and later locks of the lock order. */
    void wake(int events);
}
