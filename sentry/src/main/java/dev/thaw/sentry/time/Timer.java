package dev.thaw.sentry.time;

/** A timer of {@link TimerService}: runs an action at a guest monotonic deadline, and then every interval. Not saved; its owner saves deadline and interval. */
public final class Timer {
    static final long OFF = Long.MAX_VALUE;

    private final TimerService service;
    final Runnable action;

    // Guarded by the service's lock.
    long deadline = OFF;
    long interval;
    int heapIndex = -1;

    Timer(TimerService service, Runnable action) {
        this.service = service;
        this.action = action;
    }

    /** Arms the timer for guest monotonic time {@code deadline}, then every {@code interval} ns (0: once). Replaces an earlier setting. */
    public void set(long deadline, long interval) {
        service.set(this, deadline, interval);
    }

    /** Disarms; the action may be running at this moment. */
    public void cancel() {
        service.set(this, OFF, 0);
    }

    /** The next expiry, {@link Long#MAX_VALUE} when disarmed. */
    public long deadline() {
        return service.deadlineOf(this);
    }

    public long interval() {
        return service.intervalOf(this);
    }
}
