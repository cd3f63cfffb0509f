package dev.thaw.sentry.time;

import java.time.Instant;

/**
 * The guest's clocks, in nanoseconds. Monotonic time starts near zero at the kernel's creation and goes on over a restore as if no time had passed; realtime is the host's;
 * boottime also counts the time between a checkpoint and its restore.
 */
public class KernelClock {
    private volatile long monotonicOffset;
    private volatile long boottimeOffset;

    /** The host's time that counts while the clocks stand still, 0 while they run. */
    private volatile long frozenAt;

    private volatile boolean held;

    public KernelClock() {
        long start = 1_000_000_000L - System.nanoTime();
        monotonicOffset = start;
        boottimeOffset = start;
    }

    /** CLOCK_MONOTONIC. */
    public long monotonic() {
        return hostTime() + monotonicOffset;
    }

    /** CLOCK_REALTIME. */
    public long realtime() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    /** CLOCK_BOOTTIME. */
    public long boottime() {
        return hostTime() + boottimeOffset;
    }

    /** Guest monotonic time minus the host's CLOCK_MONOTONIC, for the vDSO. */
    public long monotonicOffset() {
        return monotonicOffset;
    }

    /** Guest boot time minus the host's CLOCK_MONOTONIC. */
    public long boottimeOffset() {
        return boottimeOffset;
    }

    private long hostTime() {
        long frozen = frozenAt;
        return frozen != 0 ? frozen : System.nanoTime();
    }

    /** Holds monotonic and boot time still, so that all that a checkpoint says of time, or a restore makes of it, is of one moment. */
    public void freeze() {
        if (!held) {
            frozenAt = System.nanoTime() | 1;
        }
    }

    /** Lets the clocks go on, where they would be without {@link #freeze}. */
    public void unfreeze() {
        if (!held) {
            frozenAt = 0;
        }
    }

    /** Holds the clocks still until {@link #release}: a restored kernel that does not run yet. */
    public void hold() {
        frozenAt = System.nanoTime() | 1;
        held = true;
    }

    /** Ends a {@link #hold}: monotonic time goes on where it stood, boot time where it would be. Returns whether there was one. */
    public boolean release() {
        if (!held) {
            return false;
        }
        monotonicOffset -= System.nanoTime() - frozenAt;
        held = false;
        frozenAt = 0;
        return true;
    }

    /** Sets the clocks of a restored kernel: monotonic goes on at {@code monotonic}; boot time adds what passed in real time since the checkpoint. */
    public void restore(long monotonic, long boottime, long realtimeAtCheckpoint) {
        long host = hostTime();
        monotonicOffset = monotonic - host;
        boottimeOffset = boottime + Math.max(0, realtime() - realtimeAtCheckpoint) - host;
    }
}
