package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EBUSY;
import static dev.thaw.abi.Errno.EEXIST;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EISDIR;
import static dev.thaw.abi.Errno.EMLINK;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Errno.ENOTEMPTY;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.EROFS;
import static dev.thaw.abi.Errno.EXDEV;
import static dev.thaw.abi.Fcntl.S_IFBLK;
import static dev.thaw.abi.Fcntl.S_IFCHR;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFLNK;
import static dev.thaw.abi.Fcntl.S_IFMT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import org.jspecify.annotations.Nullable;

/** Making and removing names: mkdir, mknod, symlink, link, unlink, rmdir (Linux: the second half of {@code fs/namei.c}). */
public final class NameOperations {
    private final Credentials who;
    private final FsContext context;
    private final PathWalk walk;

    public NameOperations(@Nullable Task task, Credentials who, FsContext context) {
        this.who = who;
        this.context = context;
        this.walk = new PathWalk(task, who, context);
    }

    /** Acts as {@code task}. */
    public NameOperations(Task task) {
        this(task, task.credentials(), task.fs());
    }

    /** A new file's owner and mode: umask, and what a set-group-id directory hands down. */
    static NewNode node(
            Credentials who,
            FsContext context,
            Inode directory,
            int mode,
            long rdev,
            @Nullable String target) {
        int gid = who.fsgid();
        int bits = (mode & S_IFMT) == S_IFLNK ? mode : mode & ~context.umask();
        if ((directory.mode() & Access.S_ISGID) != 0) {
            gid = directory.gid();
            if ((mode & S_IFMT) == S_IFDIR) {
                bits |= Access.S_ISGID;
            } else if ((bits & (Access.S_ISGID | 0x8)) == (Access.S_ISGID | 0x8)
                    && !who.inGroup(gid)
                    && !who.has(Access.CAP_FSETID)) {
                bits &= ~Access.S_ISGID;
            }
        }
        return new NewNode(bits, who.fsuid(), gid, rdev, target);
    }

    /** mkdir(2) and mknod(2): {@code mode} says the type. */
    public Location makeNode(Location start, String path, int mode, long rdev)
            throws ErrnoException {
        int type = mode & S_IFMT;
        if ((type == S_IFCHR || type == S_IFBLK) && !who.has(Access.CAP_MKNOD)) {
            throw errno(EPERM);
        }
        return make(start, path, mode, rdev, null, null);
    }

    /** symlink(2). */
    public void makeSymlink(String target, Location start, String path) throws ErrnoException {
        if (target.isEmpty()) {
            throw errno(ENOENT);
        }
        make(start, path, S_IFLNK | 0x1ff, 0, target, null);
    }

    /** link(2): {@code source} gets another name. */
    public void makeLink(Location source, Location start, String path) throws ErrnoException {
        make(start, path, source.inode().mode(), 0, null, source);
    }

    private Location make(
            Location start,
            String path,
            int mode,
            long rdev,
            @Nullable String target,
            @Nullable Location source)
            throws ErrnoException {
        walk.walkParent(start, path);
        if (walk.lastKind != PathWalk.Last.NAME) {
            throw errno(EEXIST);
        }
        Dentry parent = walk.dentry;
        Inode directory = parent.requireInode();
        parent.mu.lock();
        try {
            if (parent.lookupLocked(walk.last) != null) {
                throw errno(EEXIST);
            }
            if (walk.trailingSlash && (source != null || (mode & S_IFMT) != S_IFDIR)) {
                throw errno(ENOENT);
            }
            if (source != null && source.mount() != walk.mount) {
                throw errno(EXDEV);
            }
            if (walk.mount.isReadOnly()) {
                throw errno(EROFS);
            }
            parent.checkAliveLocked();
            Access.check(who, directory, Access.WRITE | Access.EXEC);
            Inode made;
            if (source != null) {
                made = source.inode();
                checkLinkable(made, directory);
                directory.link(walk.last, made);
            } else {
                made =
                        directory.create(
                                walk.last, node(who, context, directory, mode, rdev, target));
            }
            Location place = new Location(walk.mount, parent.addLocked(walk.last, made));
            Watches.created(directory, walk.last, made, source != null);
            return place;
        } finally {
            parent.mu.unlock();
        }
    }

    private static void checkLinkable(Inode inode, Inode directory) throws ErrnoException {
        if (inode.fs() != directory.fs()) {
            throw errno(EXDEV);
        }
        if (inode.isDirectory()) {
            throw errno(EPERM);
        }
        if (inode.nlink() >= 0x7fff_ffff) {
            throw errno(EMLINK);
        }
    }

    /** unlink(2). */
    public void unlink(Location start, String path) throws ErrnoException {
        walk.walkParent(start, path);
        if (walk.lastKind != PathWalk.Last.NAME) {
            throw errno(EISDIR);
        }
        Dentry parent = walk.dentry;
        Inode directory = parent.requireInode();
        Inode victim;
        parent.mu.lock();
        try {
            Dentry child = findLocked(parent);
            victim = child.requireInode();
            if (walk.trailingSlash) {
                throw errno(victim.isDirectory() ? EISDIR : ENOTDIR);
            }
            checkRemovable(directory, victim);
            if (victim.isDirectory()) {
                throw errno(EISDIR);
            }
            if (child.isMountpoint()) {
                throw errno(EBUSY);
            }
            directory.unlink(child.name(), victim);
            parent.removeLocked(child);
            Watches.removed(directory, child.name(), victim);
        } finally {
            parent.mu.unlock();
        }
        victim.forgotten();
    }

    /** rmdir(2). */
    public void rmdir(Location start, String path) throws ErrnoException {
        walk.walkParent(start, path);
        switch (walk.lastKind) {
            case DOT -> throw errno(EINVAL);
            case DOT_DOT -> throw errno(ENOTEMPTY);
            case ROOT -> throw errno(EBUSY);
            case NAME -> {}
        }
        Dentry parent = walk.dentry;
        Inode directory = parent.requireInode();
        parent.mu.lock();
        try {
            Dentry child = findLocked(parent);
            Inode victim = child.requireInode();
            checkRemovable(directory, victim);
            if (!victim.isDirectory()) {
                throw errno(ENOTDIR);
            }
            child.mu.lockNested("a directory before its child");
            try {
                if (child.isMountpoint()) {
                    throw errno(EBUSY);
                }
                directory.rmdir(child.name(), victim);
                parent.removeLocked(child);
                Watches.removed(directory, child.name(), victim);
            } finally {
                child.mu.unlock();
            }
        } finally {
            parent.mu.unlock();
        }
    }

    private Dentry findLocked(Dentry parent) throws ErrnoException {
        Dentry child = parent.lookupLocked(walk.last);
        if (child == null) {
            throw errno(ENOENT);
        }
        if (walk.mount.isReadOnly()) {
            throw errno(EROFS);
        }
        return child;
    }

    private void checkRemovable(Inode directory, Inode victim) throws ErrnoException {
        Access.check(who, directory, Access.WRITE | Access.EXEC);
        Access.checkSticky(who, directory, victim);
    }
}
