package dev.thaw.sentry.fs.host;

import dev.thaw.state.StateCatalog;

/** Record types of host descriptors in images. */
public final class HostStates {
    public static void register(StateCatalog catalog) {
        catalog.object(HostFileDescription.State.class, HostFileDescription.RESTORER);
    }

    private HostStates() {}
}
