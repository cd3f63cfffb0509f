package dev.thaw.sentry.fs.gofer;

import dev.thaw.state.StateCatalog;

/** Record types of gofer files in images. */
public final class GoferStates {
    public static void register(StateCatalog catalog) {
        catalog.object(GoferFilesystem.State.class, GoferFilesystem.RESTORER)
                .object(GoferDirectory.State.class, GoferDirectory.RESTORER)
                .object(GoferFile.State.class, GoferFile.RESTORER)
                .object(GoferSymlink.State.class, GoferSymlink.RESTORER)
                .object(GoferSpecial.State.class, GoferSpecial.RESTORER);
    }

    private GoferStates() {}
}
