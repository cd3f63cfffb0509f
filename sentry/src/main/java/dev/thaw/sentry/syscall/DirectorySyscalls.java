package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ERANGE;
import static dev.thaw.abi.Fcntl.AT_EMPTY_PATH;
import static dev.thaw.abi.Fcntl.AT_FDCWD;
import static dev.thaw.abi.Fcntl.AT_REMOVEDIR;
import static dev.thaw.abi.Fcntl.AT_SYMLINK_FOLLOW;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFLNK;
import static dev.thaw.abi.Fcntl.S_IFMT;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Access;
import dev.thaw.sentry.vfs.DirectoryDescription;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.MountNamespace;
import dev.thaw.sentry.vfs.NameOperations;
import dev.thaw.sentry.vfs.RenameOperation;
import java.nio.charset.StandardCharsets;

/** Names and directories: mkdir, unlink, rename, getdents64, chdir and their families ({@code fs/namei.c}, {@code fs/readdir.c}). */
final class DirectorySyscalls {
    private static final int MAX_DIRENTS = 1 << 18;

    /** mkdir(2). */
    static long mkdir(Task task, SyscallArgs args) throws ErrnoException {
        return mkdir(task, AT_FDCWD, args.addr(0), args.int32(1));
    }

    /** mkdirat(2). */
    static long mkdirat(Task task, SyscallArgs args) throws ErrnoException {
        return mkdir(task, args.int32(0), args.addr(1), args.int32(2));
    }

    private static long mkdir(Task task, int dirfd, long address, int mode) throws ErrnoException {
        String path = Paths.path(task, address);
        new NameOperations(task)
                .makeNode(Paths.start(task, dirfd, path), path, S_IFDIR | mode & 0x3ff, 0);
        return 0;
    }

    /** mknod(2). */
    static long mknod(Task task, SyscallArgs args) throws ErrnoException {
        return mknod(task, AT_FDCWD, args.addr(0), args.int32(1), args.int32(2));
    }

    /** mknodat(2). */
    static long mknodat(Task task, SyscallArgs args) throws ErrnoException {
        return mknod(task, args.int32(0), args.addr(1), args.int32(2), args.int32(3));
    }

    private static long mknod(Task task, int dirfd, long address, int mode, int dev)
            throws ErrnoException {
        int type = mode & S_IFMT;
        if (type == S_IFDIR) {
            throw errno(EPERM);
        }
        if (type == S_IFLNK) {
            throw errno(EINVAL);
        }
        String path = Paths.path(task, address);
        int bits = (type == 0 ? S_IFREG : type) | mode & 0xfff;
        new NameOperations(task)
                .makeNode(Paths.start(task, dirfd, path), path, bits, dev & 0xffff_ffffL);
        return 0;
    }

    /** rmdir(2). */
    static long rmdir(Task task, SyscallArgs args) throws ErrnoException {
        new NameOperations(task).rmdir(task.fs().cwd(), Paths.path(task, args.addr(0)));
        return 0;
    }

    /** unlink(2). */
    static long unlink(Task task, SyscallArgs args) throws ErrnoException {
        new NameOperations(task).unlink(task.fs().cwd(), Paths.path(task, args.addr(0)));
        return 0;
    }

    /** unlinkat(2). */
    static long unlinkat(Task task, SyscallArgs args) throws ErrnoException {
        Paths.checkFlags(args.int32(2), AT_REMOVEDIR);
        String path = Paths.path(task, args.addr(1));
        Location start = Paths.start(task, args.int32(0), path);
        if (args.int32(2) != 0) {
            new NameOperations(task).rmdir(start, path);
        } else {
            new NameOperations(task).unlink(start, path);
        }
        return 0;
    }

    /** symlink(2). */
    static long symlink(Task task, SyscallArgs args) throws ErrnoException {
        return symlink(task, args.addr(0), AT_FDCWD, args.addr(1));
    }

    /** symlinkat(2). */
    static long symlinkat(Task task, SyscallArgs args) throws ErrnoException {
        return symlink(task, args.addr(0), args.int32(1), args.addr(2));
    }

    private static long symlink(Task task, long targetAddress, int dirfd, long address)
            throws ErrnoException {
        String target = Paths.path(task, targetAddress);
        String path = Paths.path(task, address);
        new NameOperations(task).makeSymlink(target, Paths.start(task, dirfd, path), path);
        return 0;
    }

    /** link(2). */
    static long link(Task task, SyscallArgs args) throws ErrnoException {
        return link(task, AT_FDCWD, args.addr(0), AT_FDCWD, args.addr(1), 0);
    }

    /** linkat(2). */
    static long linkat(Task task, SyscallArgs args) throws ErrnoException {
        Paths.checkFlags(args.int32(4), AT_SYMLINK_FOLLOW | AT_EMPTY_PATH);
        return link(task, args.int32(0), args.addr(1), args.int32(2), args.addr(3), args.int32(4));
    }

    private static long link(
            Task task, int oldFd, long oldAddress, int newFd, long newAddress, int flags)
            throws ErrnoException {
        String oldPath = Paths.path(task, oldAddress);
        String newPath = Paths.path(task, newAddress);
        boolean empty = (flags & AT_EMPTY_PATH) != 0;
        Location source =
                Paths.resolve(task, oldFd, oldPath, (flags & AT_SYMLINK_FOLLOW) != 0, empty);
        new NameOperations(task).makeLink(source, Paths.start(task, newFd, newPath), newPath);
        return 0;
    }

    /** rename(2). */
    static long rename(Task task, SyscallArgs args) throws ErrnoException {
        return rename(task, AT_FDCWD, args.addr(0), AT_FDCWD, args.addr(1), 0);
    }

    /** renameat(2). */
    static long renameat(Task task, SyscallArgs args) throws ErrnoException {
        return rename(task, args.int32(0), args.addr(1), args.int32(2), args.addr(3), 0);
    }

    /** renameat2(2). */
    static long renameat2(Task task, SyscallArgs args) throws ErrnoException {
        return rename(
                task, args.int32(0), args.addr(1), args.int32(2), args.addr(3), args.int32(4));
    }

    private static long rename(
            Task task, int oldFd, long oldAddress, int newFd, long newAddress, int flags)
            throws ErrnoException {
        String oldPath = Paths.path(task, oldAddress);
        String newPath = Paths.path(task, newAddress);
        Location oldStart = Paths.start(task, oldFd, oldPath);
        Location newStart = Paths.start(task, newFd, newPath);
        new RenameOperation(task, task.credentials(), task.fs(), flags)
                .rename(oldStart, oldPath, newStart, newPath);
        return 0;
    }

    /** getdents64(2). */
    static long getdents64(Task task, SyscallArgs args) throws ErrnoException {
        return getdents(task, args, true);
    }

    /** getdents(2). */
    static long getdents(Task task, SyscallArgs args) throws ErrnoException {
        return getdents(task, args, false);
    }

    private static long getdents(Task task, SyscallArgs args, boolean wide) throws ErrnoException {
        int size = (int) Math.min(args.int32(2) & 0xffff_ffffL, MAX_DIRENTS);
        try (FileDescription file = task.fds().get(args.int32(0))) {
            if (!(file instanceof DirectoryDescription directory)) {
                throw errno(ENOTDIR);
            }
            if (directory.location() != null && directory.location().dentry().isRemoved()) {
                throw errno(ENOENT);
            }
            byte[] out = new byte[size];
            int[] used = new int[1];
            boolean[] full = new boolean[1];
            directory.readEntries(
                    task,
                    (name, ino, type, next) -> {
                        int length = (name.length() + 20 + 7) & -8;
                        if (used[0] + length > size) {
                            full[0] = true;
                            return false;
                        }
                        put(out, used[0], length, name, ino, type, next, wide);
                        used[0] += length;
                        return true;
                    });
            if (used[0] == 0 && full[0]) {
                throw errno(EINVAL);
            }
            task.mm().copyOutBytes(args.addr(1), java.util.Arrays.copyOf(out, used[0]));
            return used[0];
        }
    }

    private static void put(
            byte[] out,
            int at,
            int length,
            String name,
            long ino,
            int type,
            long next,
            boolean wide) {
        Packed.put64(out, at, ino);
        Packed.put64(out, at + 8, next);
        Packed.put16(out, at + 16, length);
        byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
        if (wide) {
            out[at + 18] = (byte) (type >>> 12);
            System.arraycopy(bytes, 0, out, at + 19, bytes.length);
        } else {
            System.arraycopy(bytes, 0, out, at + 18, bytes.length);
            out[at + length - 1] = (byte) (type >>> 12);
        }
    }

    /** chdir(2). */
    static long chdir(Task task, SyscallArgs args) throws ErrnoException {
        task.fs()
                .setCwd(
                        directory(
                                task,
                                Paths.resolve(
                                        task,
                                        AT_FDCWD,
                                        Paths.path(task, args.addr(0)),
                                        true,
                                        false)));
        return 0;
    }

    /** fchdir(2). */
    static long fchdir(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            task.fs().setCwd(directory(task, file.locationOrAnonymous()));
        }
        return 0;
    }

    /** chroot(2). */
    static long chroot(Task task, SyscallArgs args) throws ErrnoException {
        Location at =
                directory(
                        task,
                        Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(0)), true, false));
        if (!task.credentials().has(Access.CAP_SYS_CHROOT)) {
            throw errno(EPERM);
        }
        task.fs().setRoot(at);
        return 0;
    }

    private static Location directory(Task task, Location at) throws ErrnoException {
        Inode inode = at.inode();
        if (!inode.isDirectory()) {
            throw errno(ENOTDIR);
        }
        Access.check(task.credentials(), inode, Access.EXEC);
        return at;
    }

    /** getcwd(2). */
    static long getcwd(Task task, SyscallArgs args) throws ErrnoException {
        Location cwd = task.fs().cwd();
        if (cwd.dentry().isRemoved()) {
            throw errno(ENOENT);
        }
        byte[] path =
                MountNamespace.pathOf(cwd, task.fs().root()).getBytes(StandardCharsets.ISO_8859_1);
        if (args.size(1) >= 0 && args.size(1) < path.length + 1) {
            throw errno(ERANGE);
        }
        task.mm().copyOutBytes(args.addr(0), java.util.Arrays.copyOf(path, path.length + 1));
        return path.length + 1;
    }

    private DirectorySyscalls() {}
}
