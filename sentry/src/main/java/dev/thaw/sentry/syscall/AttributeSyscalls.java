package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EFBIG;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EISDIR;
import static dev.thaw.abi.Errno.ENODEV;
import static dev.thaw.abi.Errno.EOPNOTSUPP;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.EROFS;
import static dev.thaw.abi.Errno.ESPIPE;
import static dev.thaw.abi.Fcntl.AT_EMPTY_PATH;
import static dev.thaw.abi.Fcntl.AT_FDCWD;
import static dev.thaw.abi.Fcntl.AT_SYMLINK_NOFOLLOW;
import static dev.thaw.abi.Fcntl.S_IFIFO;
import static dev.thaw.abi.Inotify.IN_ATTRIB;
import static dev.thaw.abi.Inotify.IN_MODIFY;
import static dev.thaw.abi.Signals.SIGXFSZ;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Access;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Limits;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.Timestamps;
import dev.thaw.sentry.vfs.Watches;

/** Changes of attributes and size: chmod, chown, utimensat, truncate, fallocate and their families ({@code fs/open.c}, {@code fs/utimes.c}). */
final class AttributeSyscalls {
    private static final long UTIME_NOW = 0x3fffffff;
    private static final long UTIME_OMIT = 0x3ffffffe;

    /** chmod(2). */
    static long chmod(Task task, SyscallArgs args) throws ErrnoException {
        return chmod(task, at(task, AT_FDCWD, args.addr(0), 0), args.int32(1));
    }

    /** fchmod(2). */
    static long fchmod(Task task, SyscallArgs args) throws ErrnoException {
        return chmod(task, at(task, args.int32(0)), args.int32(1));
    }

    /** fchmodat(2), the system call: without flags. */
    static long fchmodat(Task task, SyscallArgs args) throws ErrnoException {
        return chmod(task, at(task, args.int32(0), args.addr(1), 0), args.int32(2));
    }

    /** fchmodat2(2). */
    static long fchmodat2(Task task, SyscallArgs args) throws ErrnoException {
        Paths.checkFlags(args.int32(3), AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
        return chmod(task, at(task, args.int32(0), args.addr(1), args.int32(3)), args.int32(2));
    }

    private static long chmod(Task task, Location at, int mode) throws ErrnoException {
        Inode inode = writable(at);
        Credentials who = task.credentials();
        if (inode.isSymlink()) {
            throw errno(EOPNOTSUPP);
        }
        Access.checkOwner(who, inode);
        int bits = mode & 0xfff;
        if (!inode.isDirectory() && !who.inGroup(inode.gid()) && !who.has(Access.CAP_FSETID)) {
            bits &= ~Access.S_ISGID;
        }
        inode.chmod(bits);
        Watches.at(at, IN_ATTRIB);
        return 0;
    }

    private static Location at(Task task, int dirfd, long address, int flags)
            throws ErrnoException {
        boolean follow = (flags & AT_SYMLINK_NOFOLLOW) == 0;
        return Paths.resolve(
                task, dirfd, Paths.path(task, address), follow, (flags & AT_EMPTY_PATH) != 0);
    }

    private static Location at(Task task, int fd) throws ErrnoException {
        try (FileDescription file = task.fds().get(fd)) {
            if (!file.isReadable() && !file.isWritable()) {
                throw errno(EBADF);
            }
            return file.locationOrAnonymous();
        }
    }

    private static Inode writable(Location at) throws ErrnoException {
        if (at.mount().isReadOnly()) {
            throw errno(EROFS);
        }
        return at.inode();
    }

    /** chown(2). */
    static long chown(Task task, SyscallArgs args) throws ErrnoException {
        return chown(task, at(task, AT_FDCWD, args.addr(0), 0), args.int32(1), args.int32(2));
    }

    /** lchown(2). */
    static long lchown(Task task, SyscallArgs args) throws ErrnoException {
        return chown(
                task,
                at(task, AT_FDCWD, args.addr(0), AT_SYMLINK_NOFOLLOW),
                args.int32(1),
                args.int32(2));
    }

    /** fchown(2). */
    static long fchown(Task task, SyscallArgs args) throws ErrnoException {
        return chown(task, at(task, args.int32(0)), args.int32(1), args.int32(2));
    }

    /** fchownat(2). */
    static long fchownat(Task task, SyscallArgs args) throws ErrnoException {
        Paths.checkFlags(args.int32(4), AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
        return chown(
                task,
                at(task, args.int32(0), args.addr(1), args.int32(4)),
                args.int32(2),
                args.int32(3));
    }

    private static long chown(Task task, Location at, int uid, int gid) throws ErrnoException {
        Inode inode = writable(at);
        Credentials who = task.credentials();
        if (!who.has(Access.CAP_CHOWN)) {
            boolean owner = who.fsuid() == inode.uid();
            if (uid != -1 && (!owner || uid != inode.uid())) {
                throw errno(EPERM);
            }
            if (gid != -1 && (!owner || (gid != inode.gid() && !who.inGroup(gid)))) {
                throw errno(EPERM);
            }
        }
        int mode = inode.mode();
        inode.chown(uid, gid);
        Watches.at(at, IN_ATTRIB);
        if (!inode.isDirectory()
                && !inode.isSymlink()
                && (mode & (Access.S_ISUID | Access.S_ISGID)) != 0) {
            int kept = mode & ~Access.S_ISUID;
            if ((mode & 0x8) != 0) {
                kept &= ~Access.S_ISGID;
            }
            if (kept != mode) {
                inode.chmod(kept);
            }
        }
        return 0;
    }

    /** umask(2). */
    static long umask(Task task, SyscallArgs args) {
        return task.fs().setUmask(args.int32(0));
    }

    /** utimensat(2); futimens(3) is a null path. */
    static long utimensat(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(3);
        Paths.checkFlags(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
        long times = args.addr(2);
        long atime = Timestamps.now();
        long mtime = atime;
        boolean explicit = false;
        if (times != 0) {
            byte[] b = task.mm().copyInBytes(times, 32);
            atime = timespec(b, 0);
            mtime = timespec(b, 16);
            boolean bothNow = Packed.get64(b, 8) == UTIME_NOW && Packed.get64(b, 24) == UTIME_NOW;
            explicit = !bothNow;
            if (atime == Timestamps.OMIT && mtime == Timestamps.OMIT) {
                return 0;
            }
        }
        Location at =
                args.addr(1) == 0
                        ? at(task, args.int32(0))
                        : at(task, args.int32(0), args.addr(1), flags);
        return utimes(task, at, atime, mtime, explicit);
    }

    private static long timespec(byte[] b, int at) throws ErrnoException {
        long ns = Packed.get64(b, at + 8);
        if (ns == UTIME_NOW) {
            return Timestamps.now();
        }
        if (ns == UTIME_OMIT) {
            return Timestamps.OMIT;
        }
        if (ns < 0 || ns >= 1_000_000_000L) {
            throw errno(EINVAL);
        }
        return nanos(Packed.get64(b, at), ns);
    }

    private static long nanos(long seconds, long ns) {
        long bounded = Math.clamp(seconds, -9_000_000_000L, 9_000_000_000L);
        return bounded * 1_000_000_000L + ns;
    }

    private static long utimes(Task task, Location at, long atime, long mtime, boolean explicit)
            throws ErrnoException {
        Inode inode = writable(at);
        Credentials who = task.credentials();
        if (who.fsuid() != inode.uid() && !who.has(Access.CAP_FOWNER)) {
            if (explicit) {
                throw errno(EPERM);
            }
            if (!Access.permits(who, inode, Access.WRITE)) {
                throw errno(EACCES);
            }
        }
        inode.utimes(atime, mtime);
        Watches.at(at, IN_ATTRIB);
        return 0;
    }

    /** utimes(2). */
    static long utimes(Task task, SyscallArgs args) throws ErrnoException {
        return timevals(task, at(task, AT_FDCWD, args.addr(0), 0), args.addr(1));
    }

    /** futimesat(2). */
    static long futimesat(Task task, SyscallArgs args) throws ErrnoException {
        Location at =
                args.addr(1) == 0
                        ? at(task, args.int32(0))
                        : at(task, args.int32(0), args.addr(1), 0);
        return timevals(task, at, args.addr(2));
    }

    private static long timevals(Task task, Location at, long times) throws ErrnoException {
        long now = Timestamps.now();
        if (times == 0) {
            return utimes(task, at, now, now, false);
        }
        byte[] b = task.mm().copyInBytes(times, 32);
        long au = Packed.get64(b, 8);
        long mu = Packed.get64(b, 24);
        if (au < 0 || au >= 1_000_000 || mu < 0 || mu >= 1_000_000) {
            throw errno(EINVAL);
        }
        return utimes(
                task,
                at,
                nanos(Packed.get64(b, 0), au * 1000),
                nanos(Packed.get64(b, 16), mu * 1000),
                true);
    }

    /** utime(2). */
    static long utime(Task task, SyscallArgs args) throws ErrnoException {
        Location at = at(task, AT_FDCWD, args.addr(0), 0);
        long now = Timestamps.now();
        if (args.addr(1) == 0) {
            return utimes(task, at, now, now, false);
        }
        byte[] b = task.mm().copyInBytes(args.addr(1), 16);
        return utimes(task, at, nanos(Packed.get64(b, 0), 0), nanos(Packed.get64(b, 8), 0), true);
    }

    /** truncate(2). */
    static long truncate(Task task, SyscallArgs args) throws ErrnoException {
        long length = args.int64(1);
        if (length < 0) {
            throw errno(EINVAL);
        }
        Location at = at(task, AT_FDCWD, args.addr(0), 0);
        Inode inode = at.inode();
        if (inode.isDirectory()) {
            throw errno(EISDIR);
        }
        if (!inode.isRegular()) {
            throw errno(EINVAL);
        }
        writable(at);
        Access.check(task.credentials(), inode, Access.WRITE);
        checkSize(task, inode, length);
        inode.truncate(length);
        Watches.at(at, IN_MODIFY);
        return 0;
    }

    /** ftruncate(2). */
    static long ftruncate(Task task, SyscallArgs args) throws ErrnoException {
        long length = args.int64(1);
        try (FileDescription file = task.fds().get(args.int32(0))) {
            Inode inode = file.inode();
            if (length < 0 || !inode.isRegular() || !file.isWritable()) {
                throw errno(EINVAL);
            }
            checkSize(task, inode, length);
            inode.truncate(length);
            Watches.file(file, IN_MODIFY);
        }
        return 0;
    }

    private static void checkSize(Task task, Inode inode, long length) throws ErrnoException {
        if (length > inode.size() && length > Limits.fileSize(task)) {
            task.sendSelf(SIGXFSZ);
            throw errno(EFBIG);
        }
    }

    /** fallocate(2). */
    static long fallocate(Task task, SyscallArgs args) throws ErrnoException {
        long offset = args.int64(2);
        long length = args.int64(3);
        if (offset < 0 || length <= 0) {
            throw errno(EINVAL);
        }
        if (offset > Long.MAX_VALUE - length) {
            throw errno(EFBIG);
        }
        try (FileDescription file = task.fds().get(args.int32(0))) {
            if (!file.isWritable()) {
                throw errno(EBADF);
            }
            Inode inode = file.inode();
            if (!inode.isRegular()) {
                throw errno(inode.type() == S_IFIFO ? ESPIPE : ENODEV);
            }
            checkSize(task, inode, offset + length);
            inode.allocate(args.int32(1), offset, length);
        }
        return 0;
    }

    private AttributeSyscalls() {}
}
