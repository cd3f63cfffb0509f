package dev.thaw.sentry.vfs;

import dev.thaw.state.StateCatalog;

/** The VFS's record types in images. */
public final class VfsStates {
    public static void register(StateCatalog catalog) {
        catalog.value(InodeAttributes.class)
                .object(Dentry.State.class, Dentry.RESTORER)
                .value(Filesystem.FsState.class)
                .object(GoneInode.State.class, GoneInode.RESTORER)
                .object(Mount.State.class, Mount.RESTORER)
                .object(FsContext.State.class, FsContext.RESTORER)
                .object(MountNamespace.State.class, MountNamespace.RESTORER)
                .value(FileDescription.FileState.class)
                .object(PathDescription.State.class, PathDescription.RESTORER)
                .object(DirectoryDescription.State.class, DirectoryDescription.RESTORER)
                .object(FdTable.State.class, FdTable.RESTORER)
                .value(FileLocks.LockState.class)
                .object(FileLocks.State.class, FileLocks.RESTORER)
                .object(PageCache.State.class, PageCache.RESTORER)
                .object(RegularFile.State.class, RegularFile.RESTORER)
                .object(SyntheticFileDescription.State.class, SyntheticFileDescription.RESTORER);
    }

    private VfsStates() {}
}
