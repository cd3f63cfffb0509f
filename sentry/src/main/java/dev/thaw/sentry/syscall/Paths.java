package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Fcntl.AT_FDCWD;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.PathWalk;

/** The path arguments of system calls: a directory descriptor and a string. */
final class Paths {
    static final int PATH_MAX = 4096;

    /** The string at {@code address}: ENAMETOOLONG, EFAULT. */
    static String path(Task task, long address) throws ErrnoException {
        return task.mm().copyInString(address, PATH_MAX - 1);
    }

    /** Where a relative {@code path} starts. */
    static Location start(Task task, int dirfd, String path) throws ErrnoException {
        if (dirfd == AT_FDCWD || (!path.isEmpty() && path.charAt(0) == '/')) {
            return task.fs().cwd();
        }
        try (FileDescription file = task.fds().get(dirfd)) {
            Location at = file.locationOrAnonymous();
            if (!path.isEmpty() && !at.inode().isDirectory()) {
                throw errno(ENOTDIR);
            }
            return at;
        }
    }

    /** The file that {@code dirfd} and {@code path} name; an empty path is {@code dirfd} itself where {@code emptyAllowed}. */
    static Location resolve(Task task, int dirfd, String path, boolean follow, boolean emptyAllowed)
            throws ErrnoException {
        if (path.isEmpty()) {
            if (!emptyAllowed) {
                throw errno(ENOENT);
            }
            return start(task, dirfd, path);
        }
        return new PathWalk(task).resolve(start(task, dirfd, path), path, follow);
    }

    /** The inode behind {@code fd}. */
    static Inode inode(Task task, int fd) throws ErrnoException {
        try (FileDescription file = task.fds().get(fd)) {
            return file.inode();
        }
    }

    /** EINVAL when {@code flags} holds more than {@code known}. */
    static void checkFlags(int flags, int known) throws ErrnoException {
        if ((flags & ~known) != 0) {
            throw errno(EINVAL);
        }
    }

    private Paths() {}
}
