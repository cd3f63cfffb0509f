package dev.thaw.sentry.kernel;

import dev.thaw.state.RestoreContext;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateCatalog;
import org.jspecify.annotations.Nullable;

/** The state types of this package. */
public final class KernelStates {
    public static void register(StateCatalog catalog) {
        catalog.object(KernelState.class, KernelState.RESTORER)
                .object(ThreadGroupState.class, ThreadGroupState.RESTORER)
                .object(TaskState.class, TaskState.RESTORER)
                .value(TaskState.CredentialsState.class);
    }

    static int ref(SaveContext context, @Nullable Object object) {
        return object instanceof Saveable saveable ? context.ref(saveable) : 0;
    }

    static <T> @Nullable T get(RestoreContext context, int id, Class<T> type) {
        return context.getOrNull(id, type);
    }

    private KernelStates() {}
}
