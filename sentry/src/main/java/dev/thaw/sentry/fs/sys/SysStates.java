package dev.thaw.sentry.fs.sys;

import dev.thaw.state.StateCatalog;

/** What an image keeps of sysfs. */
public final class SysStates {
    /** Adds this package's records. */
    public static void register(StateCatalog catalog) {
        catalog.object(SysFilesystem.State.class, SysFilesystem.RESTORER);
    }

    private SysStates() {}
}
