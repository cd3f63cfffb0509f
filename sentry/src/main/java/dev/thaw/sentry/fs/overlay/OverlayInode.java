package dev.thaw.sentry.fs.overlay;

/** An inode that came from a layer below. While it is clean, a checkpoint need not keep it: it is found below again. */
interface OverlayInode {
    /** Whether it is as the layers below have it, and where they have it. */
    boolean isClean();

    /** It was moved or got another name. */
    void markChanged();
}
