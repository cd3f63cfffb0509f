package dev.thaw.runsc;

import dev.thaw.sentry.checkpoint.SentryStates;
import dev.thaw.state.StateCatalog;
import org.jspecify.annotations.Nullable;

/** What the record types of kernel state are called. */
public final class StateNames {
    private static final StateCatalog CATALOG = SentryStates.catalog();

    /** The name of type {@code id}, null for one that this release does not know. */
    public static @Nullable String of(int id) {
        StateCatalog.Entry entry = CATALOG.entries().get(id);
        if (entry == null) {
            return null;
        }
        String name = entry.type().getName();
        String last = name.substring(name.lastIndexOf('.') + 1).replace('$', '.');
        return last.endsWith(".State") ? last.substring(0, last.length() - 6) : last;
    }

    private StateNames() {}
}
