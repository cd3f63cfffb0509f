package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.E2BIG;
import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EXDEV;
import static dev.thaw.abi.Fcntl.AT_FDCWD;
import static dev.thaw.abi.Fcntl.O_CLOEXEC;
import static dev.thaw.abi.Fcntl.O_CREAT;
import static dev.thaw.abi.Fcntl.O_LARGEFILE;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Fcntl.O_TMPFILE;
import static dev.thaw.abi.Fcntl.O_TRUNC;
import static dev.thaw.abi.Fcntl.O_WRONLY;
import static dev.thaw.abi.Fcntl.RESOLVE_BENEATH;
import static dev.thaw.abi.Fcntl.RESOLVE_CACHED;
import static dev.thaw.abi.Fcntl.RESOLVE_IN_ROOT;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.abi.Mman.MFD_ALLOW_SEALING;
import static dev.thaw.abi.Mman.MFD_CLOEXEC;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.tmpfs.MemoryFiles;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.FileOpener;
import dev.thaw.sentry.vfs.Limits;
import dev.thaw.sentry.vfs.Location;

/** Making, copying and closing descriptors ({@code fs/open.c}, {@code fs/file.c}). */
final class OpenSyscalls {
    private static final int CLOSE_RANGE_UNSHARE = 2;
    private static final int CLOSE_RANGE_CLOEXEC = 4;
    private static final int MFD_NOEXEC_SEAL = 8;
    private static final int MFD_EXEC = 16;

    /** All open flags Linux knows (VALID_OPEN_FLAGS). */
    private static final int OPEN_FLAGS = 0x7fffc3;

    /** open(2). */
    static long open(Task task, SyscallArgs args) throws ErrnoException {
        return open(task, AT_FDCWD, args.addr(0), args.int32(1), args.int32(2));
    }

    /** openat(2). */
    static long openat(Task task, SyscallArgs args) throws ErrnoException {
        return open(task, args.int32(0), args.addr(1), args.int32(2), args.int32(3));
    }

    /** creat(2). */
    static long creat(Task task, SyscallArgs args) throws ErrnoException {
        return open(task, AT_FDCWD, args.addr(0), O_CREAT | O_WRONLY | O_TRUNC, args.int32(1));
    }

    private static long open(Task task, int dirfd, long address, int flags, int mode)
            throws ErrnoException {
        String path = Paths.path(task, address);
        Location start = Paths.start(task, dirfd, path);
        FileDescription file = new FileOpener(task).open(start, path, flags & ~O_LARGEFILE, mode);
        return install(task, file, (flags & O_CLOEXEC) != 0);
    }

    /** openat2(2). */
    static long openat2(Task task, SyscallArgs args) throws ErrnoException {
        long size = args.size(3);
        if (size < 24) {
            throw errno(EINVAL);
        }
        if (size > 4096) {
            throw errno(E2BIG);
        }
        byte[] how = task.mm().copyInBytes(args.addr(2), (int) size);
        for (int i = 24; i < how.length; i++) {
            if (how[i] != 0) {
                throw errno(E2BIG);
            }
        }
        long flags = Packed.get64(how, 0);
        long mode = Packed.get64(how, 8);
        long resolve = Packed.get64(how, 16);
        if ((flags & ~(long) OPEN_FLAGS) != 0 || (mode & ~0xfffL) != 0 || (resolve & ~0x3fL) != 0) {
            throw errno(EINVAL);
        }
        if (mode != 0 && (flags & O_CREAT) == 0 && (flags & O_TMPFILE) != O_TMPFILE) {
            throw errno(EINVAL);
        }
        if ((resolve & RESOLVE_BENEATH) != 0 && (resolve & RESOLVE_IN_ROOT) != 0) {
            throw errno(EINVAL);
        }
        String path = Paths.path(task, args.addr(1));
        if ((resolve & RESOLVE_BENEATH) != 0 && path.startsWith("/")) {
            throw errno(EXDEV);
        }
        Location start =
                Paths.start(task, args.int32(0), (resolve & RESOLVE_IN_ROOT) != 0 ? "." : path);
        FileDescription file =
                new FileOpener(task)
                        .restrict((int) resolve & ~RESOLVE_CACHED, start)
                        .open(start, path, (int) flags & ~O_LARGEFILE, (int) mode);
        return install(task, file, (flags & O_CLOEXEC) != 0);
    }

    private static int install(Task task, FileDescription file, boolean cloexec)
            throws ErrnoException {
        boolean done = false;
        try {
            int fd = task.fds().install(file, 0, cloexec, Limits.openFiles(task));
            done = true;
            return fd;
        } finally {
            if (!done) {
                file.close();
            }
        }
    }

    /** close(2). */
    static long close(Task task, SyscallArgs args) throws ErrnoException {
        task.fds().close(args.int32(0));
        return 0;
    }

    /** close_range(2). */
    static long closeRange(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(2);
        Paths.checkFlags(flags, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC);
        long first = args.int32(0) & 0xffff_ffffL;
        long last = args.int32(1) & 0xffff_ffffL;
        if (first > last) {
            throw errno(EINVAL);
        }
        FdTable fds = task.fds();
        if ((flags & CLOSE_RANGE_UNSHARE) != 0 && fds.isShared()) {
            FdTable own = fds.fork();
            task.setFds(own);
            fds.release();
            fds = own;
        }
        if (first < Integer.MAX_VALUE) {
            fds.closeRange(
                    (int) first,
                    (int) Math.min(last, Integer.MAX_VALUE),
                    (flags & CLOSE_RANGE_CLOEXEC) != 0);
        }
        return 0;
    }

    /** dup(2). */
    static long dup(Task task, SyscallArgs args) throws ErrnoException {
        return install(task, task.fds().get(args.int32(0)), false);
    }

    /** dup2(2). */
    static long dup2(Task task, SyscallArgs args) throws ErrnoException {
        int from = args.int32(0);
        int to = args.int32(1);
        if (from == to) {
            task.fds().get(from).close();
            return to;
        }
        return replace(task, from, to, false);
    }

    /** dup3(2). */
    static long dup3(Task task, SyscallArgs args) throws ErrnoException {
        Paths.checkFlags(args.int32(2), O_CLOEXEC);
        if (args.int32(0) == args.int32(1)) {
            throw errno(EINVAL);
        }
        return replace(task, args.int32(0), args.int32(1), args.int32(2) != 0);
    }

    private static long replace(Task task, int from, int to, boolean cloexec)
            throws ErrnoException {
        FileDescription file = task.fds().get(from);
        boolean done = false;
        try {
            if (to < 0) {
                throw errno(EBADF);
            }
            task.fds().replace(file, to, cloexec, Limits.openFiles(task));
            done = true;
        } finally {
            if (!done) {
                file.close();
            }
        }
        return to;
    }

    /** memfd_create(2). */
    static long memfdCreate(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(1);
        Paths.checkFlags(flags, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC);
        String name = task.mm().copyInString(args.addr(0), 250);
        int mode = S_IFREG | ((flags & MFD_NOEXEC_SEAL) != 0 ? 0x1b6 : 0x1ff);
        FileDescription file =
                MemoryFiles.create(
                        task,
                        "/memfd:" + name + " (deleted)",
                        mode,
                        O_RDWR | O_LARGEFILE,
                        (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)) != 0);
        return install(task, file, (flags & MFD_CLOEXEC) != 0);
    }

    private OpenSyscalls() {}
}
