package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.EROFS;
import static dev.thaw.abi.Fcntl.AT_EACCESS;
import static dev.thaw.abi.Fcntl.AT_EMPTY_PATH;
import static dev.thaw.abi.Fcntl.AT_FDCWD;
import static dev.thaw.abi.Fcntl.AT_NO_AUTOMOUNT;
import static dev.thaw.abi.Fcntl.AT_STATX_SYNC_TYPE;
import static dev.thaw.abi.Fcntl.AT_SYMLINK_NOFOLLOW;
import static dev.thaw.abi.Mount.MS_NOEXEC;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Access;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.FileStat;
import dev.thaw.sentry.vfs.FsStat;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.PathWalk;

/** stat(2), access(2), statfs(2), readlink(2) and their families ({@code fs/stat.c}, {@code fs/statfs.c}). */
final class StatSyscalls {
    private static final int STAT_SIZE = 144;
    private static final int STATX_SIZE = 256;
    private static final int STATX_BASIC_AND_BIRTH = 0xfff;
    private static final int STATX_RESERVED = 0x80000000;

    /** stat(2). */
    static long stat(Task task, SyscallArgs args) throws ErrnoException {
        Location at = Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(0)), true, false);
        return put(task, at.inode().stat(), args.addr(1));
    }

    /** lstat(2). */
    static long lstat(Task task, SyscallArgs args) throws ErrnoException {
        Location at = Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(0)), false, false);
        return put(task, at.inode().stat(), args.addr(1));
    }

    /** fstat(2). */
    static long fstat(Task task, SyscallArgs args) throws ErrnoException {
        return put(task, Paths.inode(task, args.int32(0)).stat(), args.addr(1));
    }

    /** newfstatat(2). */
    static long newfstatat(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(3);
        Paths.checkFlags(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT);
        return put(task, target(task, args.int32(0), args.addr(1), flags).stat(), args.addr(2));
    }

    private static Inode target(Task task, int dirfd, long address, int flags)
            throws ErrnoException {
        boolean empty = (flags & AT_EMPTY_PATH) != 0;
        String path = empty && address == 0 ? "" : Paths.path(task, address);
        if (path.isEmpty() && empty && dirfd != AT_FDCWD) {
            return Paths.inode(task, dirfd);
        }
        return Paths.resolve(task, dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) == 0, empty).inode();
    }

    private static long put(Task task, FileStat s, long address) throws ErrnoException {
        byte[] b = new byte[STAT_SIZE];
        Packed.put64(b, 0, s.dev());
        Packed.put64(b, 8, s.ino());
        Packed.put64(b, 16, s.nlink());
        Packed.put32(b, 24, s.mode());
        Packed.put32(b, 28, s.uid());
        Packed.put32(b, 32, s.gid());
        Packed.put64(b, 40, s.rdev());
        Packed.put64(b, 48, s.size());
        Packed.put64(b, 56, s.blksize());
        Packed.put64(b, 64, s.blocks());
        putTime(b, 72, s.atime());
        putTime(b, 88, s.mtime());
        putTime(b, 104, s.ctime());
        task.mm().copyOutBytes(address, b);
        return 0;
    }

    private static void putTime(byte[] b, int at, long time) {
        Packed.put64(b, at, Math.floorDiv(time, 1_000_000_000L));
        Packed.put64(b, at + 8, Math.floorMod(time, 1_000_000_000L));
    }

    /** statx(2). */
    static long statx(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(2);
        int mask = args.int32(3);
        Paths.checkFlags(
                flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE);
        if ((mask & STATX_RESERVED) != 0 || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) {
            throw errno(EINVAL);
        }
        FileStat s = target(task, args.int32(0), args.addr(1), flags).stat();
        byte[] b = new byte[STATX_SIZE];
        Packed.put32(b, 0, STATX_BASIC_AND_BIRTH);
        Packed.put32(b, 4, s.blksize());
        Packed.put32(b, 16, s.nlink());
        Packed.put32(b, 20, s.uid());
        Packed.put32(b, 24, s.gid());
        Packed.put16(b, 28, s.mode());
        Packed.put64(b, 32, s.ino());
        Packed.put64(b, 40, s.size());
        Packed.put64(b, 48, s.blocks());
        putTime(b, 64, s.atime());
        putTime(b, 80, s.btime());
        putTime(b, 96, s.ctime());
        putTime(b, 112, s.mtime());
        Packed.put32(b, 128, major(s.rdev()));
        Packed.put32(b, 132, minor(s.rdev()));
        Packed.put32(b, 136, major(s.dev()));
        Packed.put32(b, 140, minor(s.dev()));
        task.mm().copyOutBytes(args.addr(4), b);
        return 0;
    }

    private static int major(long dev) {
        return (int) (dev >>> 8 & 0xfff);
    }

    private static int minor(long dev) {
        return (int) (dev & 0xff | dev >>> 12 & 0xfff00);
    }

    /** access(2). */
    static long access(Task task, SyscallArgs args) throws ErrnoException {
        return access(task, AT_FDCWD, args.addr(0), args.int32(1), 0);
    }

    /** faccessat(2), the system call: without flags. */
    static long faccessat(Task task, SyscallArgs args) throws ErrnoException {
        return access(task, args.int32(0), args.addr(1), args.int32(2), 0);
    }

    /** faccessat2(2). */
    static long faccessat2(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(3);
        Paths.checkFlags(flags, AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
        return access(task, args.int32(0), args.addr(1), args.int32(2), flags);
    }

    private static long access(Task task, int dirfd, long address, int mask, int flags)
            throws ErrnoException {
        if ((mask & ~7) != 0) {
            throw errno(EINVAL);
        }
        Credentials who = task.credentials();
        if ((flags & AT_EACCESS) == 0) {
            who = real(who);
        }
        String path = Paths.path(task, address);
        Location at;
        if (path.isEmpty()) {
            at = Paths.resolve(task, dirfd, path, true, (flags & AT_EMPTY_PATH) != 0);
        } else {
            boolean follow = (flags & AT_SYMLINK_NOFOLLOW) == 0;
            at =
                    new PathWalk(task, who, task.fs())
                            .resolve(Paths.start(task, dirfd, path), path, follow);
        }
        if (mask == 0) {
            return 0;
        }
        Inode inode = at.inode();
        if ((mask & Access.EXEC) != 0
                && inode.isRegular()
                && (at.mount().flags() & MS_NOEXEC) != 0) {
            throw errno(EACCES);
        }
        Access.check(who, inode, mask);
        boolean file = inode.isRegular() || inode.isDirectory() || inode.isSymlink();
        if ((mask & Access.WRITE) != 0 && file && at.mount().isReadOnly()) {
            throw errno(EROFS);
        }
        return 0;
    }

    /** access(2) asks for the real ids, and for root with all that root may. */
    private static Credentials real(Credentials c) {
        if (c.uid() == c.fsuid() && c.gid() == c.fsgid()) {
            return c;
        }
        long effective = c.uid() == 0 ? c.permitted() : 0;
        return new Credentials(
                c.uid(),
                c.euid(),
                c.suid(),
                c.uid(),
                c.gid(),
                c.egid(),
                c.sgid(),
                c.gid(),
                c.groups(),
                c.permitted(),
                effective,
                c.inheritable(),
                c.bounding(),
                c.ambient());
    }

    /** readlink(2). */
    static long readlink(Task task, SyscallArgs args) throws ErrnoException {
        return readlink(task, AT_FDCWD, args.addr(0), args.addr(1), args.int32(2));
    }

    /** readlinkat(2). */
    static long readlinkat(Task task, SyscallArgs args) throws ErrnoException {
        return readlink(task, args.int32(0), args.addr(1), args.addr(2), args.int32(3));
    }

    private static long readlink(Task task, int dirfd, long pathAddress, long buffer, int size)
            throws ErrnoException {
        if (size <= 0) {
            throw errno(EINVAL);
        }
        String path = Paths.path(task, pathAddress);
        Inode inode = Paths.resolve(task, dirfd, path, false, true).inode();
        if (!inode.isSymlink()) {
            throw errno(path.isEmpty() ? ENOENT : EINVAL);
        }
        byte[] target = inode.readLink(task).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        byte[] cut = target.length <= size ? target : java.util.Arrays.copyOf(target, size);
        task.mm().copyOutBytes(buffer, cut);
        return cut.length;
    }

    /** statfs(2). */
    static long statfs(Task task, SyscallArgs args) throws ErrnoException {
        Location at = Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(0)), true, false);
        return putFs(task, at.inode().fs().statfs(), at.mount().flags(), args.addr(1));
    }

    /** fstatfs(2). */
    static long fstatfs(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            Location at = file.location();
            int flags = at == null ? 0 : at.mount().flags();
            return putFs(task, file.inode().fs().statfs(), flags, args.addr(1));
        }
    }

    private static long putFs(Task task, FsStat s, int mountFlags, long address)
            throws ErrnoException {
        byte[] b = new byte[120];
        Packed.put64(b, 0, s.type());
        Packed.put64(b, 8, s.blockSize());
        Packed.put64(b, 16, s.blocks());
        Packed.put64(b, 24, s.free());
        Packed.put64(b, 32, s.available());
        Packed.put64(b, 40, s.files());
        Packed.put64(b, 48, s.filesFree());
        Packed.put64(b, 64, s.nameLength());
        Packed.put64(b, 72, s.blockSize());
        Packed.put64(b, 80, s.flags() | mountFlags & 0xf | 0x20);
        task.mm().copyOutBytes(address, b);
        return 0;
    }

    private StatSyscalls() {}
}
