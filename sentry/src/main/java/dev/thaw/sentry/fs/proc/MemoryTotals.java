package dev.thaw.sentry.fs.proc;

import dev.thaw.sentry.kernel.Kernel;

/** The guest's memory in bytes: as sysinfo(2) tells them. */
record MemoryTotals(long total, long used, long free) {
    static MemoryTotals of(Kernel kernel) {
        long used = kernel.memory().residentBytes();
        long total = kernel.totalMemory();
        return new MemoryTotals(total, Math.min(used, total), Math.max(0, total - used));
    }
}
