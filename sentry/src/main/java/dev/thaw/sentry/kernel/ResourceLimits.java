package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Resource.*;

import java.util.Map;

/** A process's resource limits (Linux: {@code signal_struct.rlim}). Each word is written under the task set's lock and read without. */
public final class ResourceLimits {
    public static final long INFINITY = -1;

    private final long[] soft = new long[RLIMIT_NLIMITS];
    private final long[] hard = new long[RLIMIT_NLIMITS];

    /** Linux's limits of the first process. */
    public ResourceLimits() {
        for (int i = 0; i < RLIMIT_NLIMITS; i++) {
            set(i, INFINITY, INFINITY);
        }
        set(RLIMIT_STACK, 8L << 20, INFINITY);
        set(RLIMIT_CORE, 0, INFINITY);
        set(RLIMIT_NOFILE, 1024, 1 << 20);
        set(RLIMIT_MEMLOCK, 8L << 20, 8L << 20);
        set(RLIMIT_MSGQUEUE, 819_200, 819_200);
        set(RLIMIT_NICE, 0, 0);
        set(RLIMIT_RTPRIO, 0, 0);
        set(RLIMIT_SIGPENDING, 15_000, 15_000);
    }

    /** The soft limit as an unsigned number: -1 is none. */
    public long soft(int resource) {
        return soft[resource];
    }

    public long hard(int resource) {
        return hard[resource];
    }

    /** The soft limit with {@link Long#MAX_VALUE} for none. */
    public long max(int resource) {
        long value = soft[resource];
        return value < 0 ? Long.MAX_VALUE : value;
    }

    public void set(int resource, long softLimit, long hardLimit) {
        soft[resource] = softLimit;
        hard[resource] = hardLimit;
    }

    public void setAll(Map<Integer, long[]> limits) {
        for (Map.Entry<Integer, long[]> entry : limits.entrySet()) {
            int resource = entry.getKey();
            long[] pair = entry.getValue();
            if (resource >= 0 && resource < RLIMIT_NLIMITS && pair.length == 2) {
                set(resource, pair[0], pair[1]);
            }
        }
    }

    public ResourceLimits fork() {
        ResourceLimits copy = new ResourceLimits();
        System.arraycopy(soft, 0, copy.soft, 0, RLIMIT_NLIMITS);
        System.arraycopy(hard, 0, copy.hard, 0, RLIMIT_NLIMITS);
        return copy;
    }

    /** Soft and hard limits, alternating. */
    public long[] save() {
        long[] words = new long[2 * RLIMIT_NLIMITS];
        for (int i = 0; i < RLIMIT_NLIMITS; i++) {
            words[2 * i] = soft[i];
            words[2 * i + 1] = hard[i];
        }
        return words;
    }

    public void restore(long[] words) {
        for (int i = 0; i < RLIMIT_NLIMITS && 2 * i + 1 < words.length; i++) {
            set(i, words[2 * i], words[2 * i + 1]);
        }
    }
}
