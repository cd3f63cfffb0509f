package dev.thaw.sentry.time;

import java.time.Instant;

/**
 * The guest's clocks, in nanoseconds. Monotonic time starts near zero at the kernel's creation and goes on over a restore as if no time had passed; realtime is the host's;
 * boottime also counts the time between a checkpoint and its restore.
 */
public class KernelClock {
    private volatile long monotonicOffset;
    private volatile long boottimeOffset;

    public KernelClock() {
        long start = 1_000_000_000L - System.nanoTime();
        monotonicOffset = start;
        boottimeOffset = start;
    }

    /** CLOCK_MONOTONIC. */
    public long monotonic() {
        return System.nanoTime() + monotonicOffset;
    }

    /** CLOCK_REALTIME. */
    public long realtime() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    /** CLOCK_BOOTTIME. */
    public long boottime() {
        return System.nanoTime() + boottimeOffset;
    }

    /** Guest monotonic time minus the host's CLOCK_MONOTONIC, for the vDSO. */
    public long monotonicOffset() {
        return monotonicOffset;
    }

    /** Guest boot time minus the host's CLOCK_MONOTONIC. */
    public long boottimeOffset() {
        return boottimeOffset;
    }

    /** Sets the clocks of a restored kernel: monotonic goes on at {@code monotonic}; boot time adds what passed in real time since the checkpoint. */
    public void restore(long monotonic, long boottime, long realtimeAtCheckpoint) {
        long host = System.nanoTime();
        monotonicOffset = monotonic - host;
        boottimeOffset = boottime + Math.max(0, realtime() - realtimeAtCheckpoint) - host;
    }
}
