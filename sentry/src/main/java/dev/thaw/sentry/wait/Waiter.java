package dev.thaw.sentry.wait;

/** Someone who waits on a {@link WaitQueue}: a blocked task, an epoll item, an asynchronous notice. */
public interface Waiter {
    /** Called with the events that happened (POLLIN, …), under the queue's lock: must not block, nor take any lock before {@code WAIT_QUEUE} in the lock order. */
    void wake(int events);
}
