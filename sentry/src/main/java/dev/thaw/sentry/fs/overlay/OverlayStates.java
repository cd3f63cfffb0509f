package dev.thaw.sentry.fs.overlay;

import dev.thaw.state.StateCatalog;

/** Record types of overlays in images. */
public final class OverlayStates {
    public static void register(StateCatalog catalog) {
        catalog.object(OverlayFilesystem.State.class, OverlayFilesystem.RESTORER)
                .object(OverlayDirectory.State.class, OverlayDirectory.RESTORER)
                .object(OverlayFile.State.class, OverlayFile.RESTORER)
                .object(OverlayNode.State.class, OverlayNode.RESTORER);
    }

    private OverlayStates() {}
}
