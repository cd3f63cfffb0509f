package dev.thaw.sentry.fs.tmpfs;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Dentry;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.FileOpener;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.MountNamespace;
import dev.thaw.sentry.vfs.NewNode;

/** Files in memory that have no name (memfd_create(2)). Each lives on a file system of its own that nothing mounts. */
public final class MemoryFiles {
    /** An open, empty file that /proc shows as {@code name}; {@code sealing}: it may be sealed. */
    public static FileDescription create(
            Task task, String name, int mode, int flags, boolean sealing) throws ErrnoException {
        Credentials who = task.credentials();
        MountNamespace namespace = task.fs().namespace();
        MemoryFile memory = task.kernel().memory();
        TmpfsFilesystem fs = new TmpfsFilesystem(memory, 0, 0x1ff);
        Inode inode = fs.newUnnamed(new NewNode(mode, who.fsuid(), who.fsgid(), 0, null));
        if (sealing && inode instanceof TmpfsFile file) {
            file.allowSeals();
        }
        Location at = new Location(namespace.unattached(fs), Dentry.anonymous(fs, name, inode));
        return new FileOpener(task).openAt(at, flags, true);
    }

    private MemoryFiles() {}
}
