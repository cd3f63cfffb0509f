package dev.thaw.sentry.vfs;

/** Root, working directory and umask (Linux: {@code struct fs_struct}), shared by CLONE_FS. */
public final class FsContext {}
