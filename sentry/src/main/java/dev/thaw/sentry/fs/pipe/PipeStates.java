package dev.thaw.sentry.fs.pipe;

import dev.thaw.state.StateCatalog;

/** What an image keeps of pipes. */
public final class PipeStates {
    /** Adds this package's records. */
    public static void register(StateCatalog catalog) {
        catalog.object(Pipe.State.class, Pipe.RESTORER)
                .object(PipeFile.State.class, PipeFile.RESTORER);
    }

    private PipeStates() {}
}
