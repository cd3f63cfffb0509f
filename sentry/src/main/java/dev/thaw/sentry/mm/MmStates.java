package dev.thaw.sentry.mm;

import dev.thaw.state.StateCatalog;

/** The state records of this package: 0x0200 – 0x027f. */
public final class MmStates {
    public static void register(StateCatalog catalog) {
        catalog.object(MmState.State.class, MmState.RESTORER)
                .value(MmState.VmaState.class)
                .object(SharedMemory.State.class, SharedMemory.RESTORER)
                .object(Vdso.State.class, Vdso.RESTORER);
    }

    private MmStates() {}
}
