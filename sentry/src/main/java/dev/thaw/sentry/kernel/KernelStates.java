package dev.thaw.sentry.kernel;

import dev.thaw.state.StateCatalog;

/** The state types of this package. */
public final class KernelStates {
    public static void register(StateCatalog catalog) {
        catalog.object(KernelState.class, KernelState.RESTORER)
                .object(ThreadGroupState.class, ThreadGroupState.RESTORER)
                .object(TaskState.class, TaskState.RESTORER)
                .value(Lineage.State.class)
                .value(TaskState.CredentialsState.class);
    }

    private KernelStates() {}
}
