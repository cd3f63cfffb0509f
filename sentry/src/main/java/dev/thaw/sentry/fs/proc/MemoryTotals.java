package dev.thaw.sentry.fs.proc;

import dev.thaw.sentry.kernel.Kernel;

/** The guest's memory in bytes: its limit, or without one a round size as if the machine had it. */
record MemoryTotals(long total, long used, long free) {
    private static final long UNLIMITED = 4L << 30;

    static MemoryTotals of(Kernel kernel) {
        long limit = kernel.config().memoryLimit();
        long used = kernel.memory().residentBytes();
        long total = limit > 0 ? limit : Math.max(UNLIMITED, Long.highestOneBit(Math.max(1, used)) << 1);
        return new MemoryTotals(total, Math.min(used, total), Math.max(0, total - used));
    }
}
