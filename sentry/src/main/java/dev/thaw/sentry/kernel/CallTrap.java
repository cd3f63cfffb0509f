package dev.thaw.sentry.kernel;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Stops a kernel at one of its system calls, before the call has had any effect: how tests place a checkpoint at the k-th call. The calls of all tasks count together, repeated ones (after an
 * interruption) once.
 */
public final class CallTrap {
    private final AtomicLong calls = new AtomicLong();
    private final CompletableFuture<Long> sprung = new CompletableFuture<>();
    private final long at;

    /** Springs at the {@code at}-th call from now on, the next one being 1. */
    public CallTrap(long at) {
        this.at = at;
    }

    /** Completed with the number of calls when every task has been asked to stop; {@link Kernel#pause} then waits until they have. */
    public CompletableFuture<Long> sprung() {
        return sprung;
    }

    /** Calls so far. */
    public long calls() {
        return calls.get();
    }

    /** Counts a call; true for the one that is to stop. */
    boolean count() {
        return calls.incrementAndGet() == at;
    }

    void spring() {
        sprung.complete(at);
    }
}
