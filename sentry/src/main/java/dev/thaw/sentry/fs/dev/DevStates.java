package dev.thaw.sentry.fs.dev;

import dev.thaw.state.StateCatalog;

/** What an image keeps of devices. */
public final class DevStates {
    /** Adds this package's records. */
    public static void register(StateCatalog catalog) {
        catalog.object(MemoryDevice.State.class, MemoryDevice.RESTORER);
    }

    private DevStates() {}
}
