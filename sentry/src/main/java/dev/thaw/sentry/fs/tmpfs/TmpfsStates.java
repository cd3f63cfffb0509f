package dev.thaw.sentry.fs.tmpfs;

import dev.thaw.state.StateCatalog;

/** tmpfs's record types in images. */
public final class TmpfsStates {
    public static void register(StateCatalog catalog) {
        catalog.object(TmpfsFilesystem.State.class, TmpfsFilesystem.RESTORER)
                .object(TmpfsFile.State.class, TmpfsFile.RESTORER)
                .object(TmpfsSymlink.State.class, TmpfsSymlink.RESTORER)
                .object(TmpfsSpecial.State.class, TmpfsSpecial.RESTORER)
                .object(TmpfsDirectory.State.class, TmpfsDirectory.RESTORER);
    }

    private TmpfsStates() {}
}
