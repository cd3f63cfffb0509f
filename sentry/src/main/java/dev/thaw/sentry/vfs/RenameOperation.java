package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EBUSY;
import static dev.thaw.abi.Errno.EEXIST;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EISDIR;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Errno.ENOTEMPTY;
import static dev.thaw.abi.Errno.EROFS;
import static dev.thaw.abi.Errno.EXDEV;
import static dev.thaw.abi.Fcntl.RENAME_EXCHANGE;
import static dev.thaw.abi.Fcntl.RENAME_NOREPLACE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import org.jspecify.annotations.Nullable;

/**
 * rename(2) ({@code vfs_rename}). The file system's rename lock keeps the tree's shape; under it both directories are locked, the one nearer to the root first, others in
 * the order of their hash: nobody else holds two that are not parent and child.
 */
public final class RenameOperation {
    private final Credentials who;
    private final PathWalk from;
    private final PathWalk to;
    private final int flags;

    public RenameOperation(@Nullable Task task, Credentials who, FsContext context, int flags) {
        this.who = who;
        this.from = new PathWalk(task, who, context);
        this.to = new PathWalk(task, who, context);
        this.flags = flags;
    }

    /** Renames. */
    public void rename(Location oldStart, String oldPath, Location newStart, String newPath)
            throws ErrnoException {
        if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0
                || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE)) {
            throw errno(EINVAL);
        }
        from.walkParent(oldStart, oldPath);
        to.walkParent(newStart, newPath);
        if (from.mount != to.mount) {
            throw errno(EXDEV);
        }
        if (from.lastKind != PathWalk.Last.NAME) {
            throw errno(EBUSY);
        }
        if (to.lastKind != PathWalk.Last.NAME) {
            throw errno((flags & RENAME_NOREPLACE) != 0 ? EEXIST : EBUSY);
        }
        if (from.mount.isReadOnly()) {
            throw errno(EROFS);
        }
        Filesystem fs = from.dentry.fs();
        Inode replaced;
        fs.renameMu.lock();
        try {
            boolean swap = to.dentry != from.dentry && lockedFirst(to.dentry, from.dentry);
            Dentry first = swap ? to.dentry : from.dentry;
            Dentry second = swap ? from.dentry : to.dentry;
            first.mu.lock();
            second.mu.lockNested("under the rename lock, nearer to the root first");
            try {
                replaced = renameLocked();
            } finally {
                second.mu.unlock();
                first.mu.unlock();
            }
        } finally {
            fs.renameMu.unlock();
        }
        if (replaced != null) {
            replaced.forgotten();
        }
    }

    private static boolean lockedFirst(Dentry a, Dentry b) {
        if (b.isWithin(a)) {
            return true;
        }
        return !a.isWithin(b) && System.identityHashCode(a) < System.identityHashCode(b);
    }

    private @Nullable Inode renameLocked() throws ErrnoException {
        Dentry oldParent = from.dentry;
        Dentry newParent = to.dentry;
        boolean exchange = (flags & RENAME_EXCHANGE) != 0;
        Dentry moved = oldParent.lookupLocked(from.last);
        if (moved == null) {
            throw errno(ENOENT);
        }
        Dentry target = newParent.lookupLocked(to.last);
        if (target != null && (flags & RENAME_NOREPLACE) != 0) {
            throw errno(EEXIST);
        }
        if (target == null && exchange) {
            throw errno(ENOENT);
        }
        Inode inode = moved.requireInode();
        if (!inode.isDirectory() && (from.trailingSlash || (!exchange && to.trailingSlash))) {
            throw errno(ENOTDIR);
        }
        if (newParent.isWithin(moved)) {
            throw errno(EINVAL);
        }
        if (target != null && oldParent.isWithin(target)) {
            throw errno(exchange ? EINVAL : ENOTEMPTY);
        }
        Inode over = target == null ? null : target.inode();
        if (inode == over) {
            return null; // two names of one file: rename(2) does nothing
        }
        Inode oldDirectory = oldParent.requireInode();
        Inode newDirectory = newParent.requireInode();
        checkPermissions(oldDirectory, inode, newDirectory, over, exchange);
        newParent.checkAliveLocked();
        if (over != null && !exchange) {
            if (inode.isDirectory() && !over.isDirectory()) {
                throw errno(ENOTDIR);
            }
            if (!inode.isDirectory() && over.isDirectory()) {
                throw errno(EISDIR);
            }
        }
        if (moved.isMountpoint() || (target != null && target.isMountpoint())) {
            throw errno(EBUSY);
        }
        String oldName = moved.name();
        if (target != null && over != null && over.isDirectory() && !exchange) {
            target.mu.lockNested("a directory before its child");
            try {
                oldDirectory.rename(oldName, inode, newDirectory, to.last, over, false);
                newParent.removeLocked(target);
            } finally {
                target.mu.unlock();
            }
        } else {
            oldDirectory.rename(oldName, inode, newDirectory, to.last, over, exchange);
            if (target != null && !exchange) {
                newParent.removeLocked(target);
            }
        }
        oldParent.moveLocked(moved, newParent, to.last);
        Watches.renamed(
                oldDirectory, oldName, newDirectory, to.last, inode, exchange ? null : over);
        if (exchange && target != null) {
            newParent.exchangedLocked(target, oldParent, oldName);
            if (over != null) {
                Watches.renamed(newDirectory, to.last, oldDirectory, oldName, over, null);
            }
            return null;
        }
        return over;
    }

    private void checkPermissions(
            Inode oldDirectory,
            Inode moved,
            Inode newDirectory,
            @Nullable Inode over,
            boolean exchange)
            throws ErrnoException {
        Access.check(who, oldDirectory, Access.WRITE | Access.EXEC);
        Access.checkSticky(who, oldDirectory, moved);
        Access.check(who, newDirectory, Access.WRITE | Access.EXEC);
        if (over != null) {
            Access.checkSticky(who, newDirectory, over);
        }
        if (oldDirectory != newDirectory) {
            if (moved.isDirectory()) {
                Access.check(who, moved, Access.WRITE);
            }
            if (exchange && over != null && over.isDirectory()) {
                Access.check(who, over, Access.WRITE);
            }
        }
    }
}
