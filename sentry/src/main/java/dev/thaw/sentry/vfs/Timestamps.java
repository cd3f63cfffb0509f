package dev.thaw.sentry.vfs;

/** The time that files are stamped with: coarse, as Linux's own ({@code current_time}) is. */
public final class Timestamps {
    /** Leaves a time as it is. */
    public static final long OMIT = Long.MIN_VALUE;

    /** Nanoseconds since the epoch. */
    public static long now() {
        return System.currentTimeMillis() * 1_000_000L;
    }

    private Timestamps() {}
}
