package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EEXIST;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EISDIR;
import static dev.thaw.abi.Errno.ELOOP;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.EROFS;
import static dev.thaw.abi.Fcntl.O_ACCMODE;
import static dev.thaw.abi.Fcntl.O_CLOEXEC;
import static dev.thaw.abi.Fcntl.O_CREAT;
import static dev.thaw.abi.Fcntl.O_DIRECTORY;
import static dev.thaw.abi.Fcntl.O_EXCL;
import static dev.thaw.abi.Fcntl.O_LARGEFILE;
import static dev.thaw.abi.Fcntl.O_NOATIME;
import static dev.thaw.abi.Fcntl.O_NOCTTY;
import static dev.thaw.abi.Fcntl.O_NOFOLLOW;
import static dev.thaw.abi.Fcntl.O_PATH;
import static dev.thaw.abi.Fcntl.O_RDONLY;
import static dev.thaw.abi.Fcntl.O_TMPFILE;
import static dev.thaw.abi.Fcntl.O_TRUNC;
import static dev.thaw.abi.Fcntl.O_WRONLY;
import static dev.thaw.abi.Fcntl.S_IFBLK;
import static dev.thaw.abi.Fcntl.S_IFCHR;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.abi.Inotify.IN_MODIFY;
import static dev.thaw.abi.Inotify.IN_OPEN;
import static dev.thaw.abi.Mount.MS_NODEV;
import static dev.thaw.abi.Mount.MS_NOEXEC;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import org.jspecify.annotations.Nullable;

/** open(2) (Linux: {@code path_openat}). One use, one thread. */
public final class FileOpener {
    private final @Nullable Task task;
    private final Credentials who;
    private final FsContext context;
    private final PathWalk walk;

    public FileOpener(@Nullable Task task, Credentials who, FsContext context) {
        this.task = task;
        this.who = who;
        this.context = context;
        this.walk = new PathWalk(task, who, context);
    }

    /** Opens as {@code task}. */
    public FileOpener(Task task) {
        this(task, task.credentials(), task.fs());
    }

    /** openat2(2)'s RESOLVE_ flags. */
    public FileOpener restrict(int resolveFlags, Location start) {
        walk.restrict(resolveFlags, start);
        return this;
    }

    /** Opens {@code path}, from {@code start} on if it is relative; the caller owns the reference. */
    public FileDescription open(Location start, String path, int flags, int mode)
            throws ErrnoException {
        if ((flags & O_PATH) != 0) {
            flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        } else if ((flags & O_TMPFILE) == O_TMPFILE) {
            return openUnnamed(start, path, flags, mode);
        } else if ((flags & O_CREAT) != 0) {
            return openOrCreate(start, path, flags, mode);
        }
        return openAt(walk.resolve(start, path, (flags & O_NOFOLLOW) == 0), flags, false);
    }

    private FileDescription openOrCreate(Location start, String path, int flags, int mode)
            throws ErrnoException {
        if ((flags & O_DIRECTORY) != 0) {
            throw errno(EINVAL);
        }
        walk.walkParent(start, path);
        while (true) {
            if (walk.lastKind != PathWalk.Last.NAME) {
                throw errno((flags & O_EXCL) != 0 ? EEXIST : EISDIR);
            }
            if (walk.trailingSlash) {
                throw errno(EISDIR);
            }
            Location found = walk.child();
            if (found == null) {
                Location made = create(flags, mode);
                if (made != null) {
                    return openAt(made, flags, true);
                }
                continue;
            }
            if ((flags & O_EXCL) != 0) {
                throw errno(EEXIST);
            }
            Inode inode = found.inode();
            if (!inode.isSymlink()) {
                if (inode.isDirectory()) {
                    throw errno(EISDIR);
                }
                return openAt(found, flags, false);
            }
            if ((flags & O_NOFOLLOW) != 0) {
                throw errno(ELOOP);
            }
            if (walk.followLast(found.dentry())) {
                return openAt(new Location(walk.mount, walk.dentry), flags, false);
            }
        }
    }

    /** Makes the file, or returns null when someone else was faster. */
    private @Nullable Location create(int flags, int mode) throws ErrnoException {
        Dentry parent = walk.dentry;
        Inode directory = parent.requireInode();
        if (walk.mount.isReadOnly()) {
            throw errno(EROFS);
        }
        parent.mu.lock();
        try {
            if (parent.lookupLocked(walk.last) != null) {
                return null;
            }
            parent.checkAliveLocked();
            Access.check(who, directory, Access.WRITE | Access.EXEC);
            NewNode node =
                    NameOperations.node(who, context, directory, S_IFREG | (mode & 0xfff), 0, null);
            Inode made = directory.create(walk.last, node);
            Location place = new Location(walk.mount, parent.addLocked(walk.last, made));
            Watches.created(directory, walk.last, made, false);
            return place;
        } finally {
            parent.mu.unlock();
        }
    }

    private FileDescription openUnnamed(Location start, String path, int flags, int mode)
            throws ErrnoException {
        if ((flags & O_ACCMODE) == O_RDONLY) {
            throw errno(EINVAL);
        }
        Location at = walk.resolve(start, path, (flags & O_NOFOLLOW) == 0);
        Inode directory = at.inode();
        if (!directory.isDirectory()) {
            throw errno(ENOTDIR);
        }
        if (at.mount().isReadOnly()) {
            throw errno(EROFS);
        }
        Access.check(who, directory, Access.WRITE | Access.EXEC);
        NewNode node =
                NameOperations.node(who, context, directory, S_IFREG | (mode & 0xfff), 0, null);
        Inode inode = directory.createUnnamed(node);
        Dentry dentry = Dentry.anonymous(directory.fs(), "/#" + inode.ino(), inode);
        return openAt(new Location(at.mount(), dentry), flags & ~O_DIRECTORY, true);
    }

    /** Opens what is at {@code at}; a file just {@code created} needs no permission. */
    public FileDescription openAt(Location at, int flags, boolean created) throws ErrnoException {
        Inode inode = at.inode();
        if ((flags & O_DIRECTORY) != 0 && !inode.isDirectory()) {
            throw errno(ENOTDIR);
        }
        if ((flags & O_PATH) != 0) {
            FileDescription file = new PathDescription(inode, flags & ~O_CLOEXEC);
            file.setLocation(at);
            return file;
        }
        if (inode.isSymlink()) {
            throw errno(ELOOP);
        }
        boolean truncate = (flags & O_TRUNC) != 0 && inode.isRegular();
        if (!created) {
            checkAccess(at, inode, flags);
        }
        int kept = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC) | O_LARGEFILE;
        FileDescription file = inode.open(task, at, kept);
        if (!(inode.fs() instanceof AnonymousFiles)) {
            file.setLocation(
                    at); // what /proc/self/fd led to is the description itself, without a place
        }
        if (truncate && !created) {
            try {
                inode.truncate(0);
            } catch (ErrnoException e) {
                file.close();
                throw e;
            }
        }
        Watches.file(file, IN_OPEN);
        if (truncate && !created) {
            Watches.file(file, IN_MODIFY);
        }
        return file;
    }

    /** Opens a program for execve(2): needs permission to execute, not to read; EACCES for what is no regular file. */
    public FileDescription openProgram(Location start, String path, boolean follow)
            throws ErrnoException {
        Location at = path.isEmpty() ? start : walk.resolve(start, path, follow);
        Inode inode = at.inode();
        if (inode.isSymlink()) {
            throw errno(ELOOP);
        }
        if (!inode.isRegular() || (at.mount().flags() & MS_NOEXEC) != 0) {
            throw errno(EACCES);
        }
        Access.check(who, inode, Access.EXEC);
        FileDescription file = inode.open(task, at, O_RDONLY | O_LARGEFILE);
        file.setLocation(at);
        return file;
    }

    private void checkAccess(Location at, Inode inode, int flags) throws ErrnoException {
        int mask =
                switch (flags & O_ACCMODE) {
                    case O_RDONLY -> Access.READ;
                    case O_WRONLY -> Access.WRITE;
                    default -> Access.READ | Access.WRITE;
                };
        if ((flags & O_TRUNC) != 0) {
            mask |= Access.WRITE;
        }
        boolean write = (mask & Access.WRITE) != 0;
        int type = inode.type();
        if (inode.isDirectory() && write) {
            throw errno(EISDIR);
        }
        if ((type == S_IFCHR || type == S_IFBLK) && (at.mount().flags() & MS_NODEV) != 0) {
            throw errno(EACCES);
        }
        if (write && type == S_IFREG && at.mount().isReadOnly()) {
            throw errno(EROFS);
        }
        Access.check(who, inode, mask);
        if ((flags & O_NOATIME) != 0 && who.fsuid() != inode.uid() && !who.has(Access.CAP_FOWNER)) {
            throw errno(EPERM);
        }
    }
}
