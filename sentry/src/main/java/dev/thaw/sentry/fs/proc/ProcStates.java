package dev.thaw.sentry.fs.proc;

import dev.thaw.state.StateCatalog;

/** What an image keeps of procfs. */
public final class ProcStates {
    /** Adds this package's records. */
    public static void register(StateCatalog catalog) {
        catalog.object(ProcFilesystem.State.class, ProcFilesystem.RESTORER);
    }

    private ProcStates() {}
}
