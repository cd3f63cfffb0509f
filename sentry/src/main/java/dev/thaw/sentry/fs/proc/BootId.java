package dev.thaw.sentry.fs.proc;

import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.Lineage;

/** {@code /proc/sys/kernel/random/boot_id}: drawn anew for each kernel, a restored one too (design D8: clones share no identity). */
record BootId(String text) {
    static BootId of(Kernel kernel) {
        return new BootId(Lineage.newId(kernel));
    }
}
