package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EOVERFLOW;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Fcntl.*;
import static dev.thaw.abi.Ioctls.FIOASYNC;
import static dev.thaw.abi.Ioctls.FIOCLEX;
import static dev.thaw.abi.Ioctls.FIONBIO;
import static dev.thaw.abi.Ioctls.FIONCLEX;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.pipe.PipeFile;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Access;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.FileLocks;
import dev.thaw.sentry.vfs.Limits;
import dev.thaw.sentry.vfs.RegularInode;
import dev.thaw.state.Saveable;

/** fcntl(2), flock(2), ioctl(2) ({@code fs/fcntl.c}, {@code fs/locks.c}, {@code fs/ioctl.c}). */
final class FcntlSyscalls {
    private static final int SETFL_MASK = O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME;
    private static final int FLOCK_SIZE = 32;

    /** fcntl(2). */
    static long fcntl(Task task, SyscallArgs args) throws ErrnoException {
        int fd = args.int32(0);
        int command = args.int32(1);
        try (FileDescription file = task.fds().get(fd)) {
            if ((file.statusFlags() & O_PATH) != 0 && !allowedOnPath(command)) {
                throw errno(EBADF);
            }
            return switch (command) {
                case F_DUPFD -> dup(task, file, args.int32(2), false);
                case F_DUPFD_CLOEXEC -> dup(task, file, args.int32(2), true);
                case F_GETFD -> task.fds().closeOnExec(fd) ? FD_CLOEXEC : 0;
                case F_SETFD -> {
                    task.fds().setCloseOnExec(fd, (args.int32(2) & FD_CLOEXEC) != 0);
                    yield 0;
                }
                case F_GETFL -> file.statusFlags();
                case F_SETFL -> {
                    file.changeStatusFlags(SETFL_MASK, args.int32(2));
                    yield 0;
                }
                case F_GETLK, F_OFD_GETLK ->
                        getLock(task, file, args.addr(2), command == F_OFD_GETLK);
                case F_SETLK -> setLock(task, file, args.addr(2), false, false);
                case F_SETLKW -> setLock(task, file, args.addr(2), true, false);
                case F_OFD_SETLK -> setLock(task, file, args.addr(2), false, true);
                case F_OFD_SETLKW -> setLock(task, file, args.addr(2), true, true);
                case F_GETPIPE_SZ -> pipe(file).pipeSize();
                case F_SETPIPE_SZ ->
                        pipe(file)
                                .setPipeSize(
                                        args.int32(2),
                                        task.credentials().has(Access.CAP_SYS_RESOURCE));
                case F_GET_SEALS -> {
                    int seals = sealable(file).seals();
                    yield seals < 0 ? -EINVAL : seals;
                }
                case F_ADD_SEALS -> {
                    if (!file.isWritable()) {
                        throw errno(EPERM);
                    }
                    sealable(file).addSeals(args.int32(2));
                    yield 0;
                }
                case F_GETOWN, F_GETSIG, F_SETOWN, F_SETSIG -> 0;
                default -> -EINVAL;
            };
        }
    }

    private static boolean allowedOnPath(int command) {
        return command == F_DUPFD
                || command == F_DUPFD_CLOEXEC
                || command == F_GETFD
                || command == F_SETFD
                || command == F_GETFL;
    }

    private static PipeFile pipe(FileDescription file) throws ErrnoException {
        if (file instanceof PipeFile pipe) {
            return pipe;
        }
        throw errno(EBADF);
    }

    private static RegularInode sealable(FileDescription file) throws ErrnoException {
        if (file.inode() instanceof RegularInode inode) {
            return inode;
        }
        throw errno(EINVAL);
    }

    private static long dup(Task task, FileDescription file, int min, boolean cloexec)
            throws ErrnoException {
        long limit = Limits.openFiles(task);
        if (min < 0 || min >= limit) {
            throw errno(EINVAL);
        }
        FileDescription copy = file.acquire();
        boolean done = false;
        try {
            int fd = task.fds().install(copy, min, cloexec, limit);
            done = true;
            return fd;
        } finally {
            if (!done) {
                copy.close();
            }
        }
    }

    private static FileLocks.Lock lock(
            Task task, FileDescription file, byte[] b, boolean description) throws ErrnoException {
        int type = Packed.get16(b, 0);
        long start = Packed.get64(b, 8);
        long length = Packed.get64(b, 16);
        if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK) {
            throw errno(EINVAL);
        }
        start +=
                switch (Packed.get16(b, 2)) {
                    case SEEK_SET -> 0;
                    case SEEK_CUR -> file.seek(task, 0, SEEK_CUR);
                    case SEEK_END -> file.inode().size();
                    default -> throw errno(EINVAL);
                };
        if (length < 0) {
            start += length;
            length = -length;
        }
        if (start < 0) {
            throw errno(EINVAL);
        }
        if (length > 0 && start > Long.MAX_VALUE - (length - 1)) {
            throw errno(EOVERFLOW);
        }
        long end = length == 0 ? Long.MAX_VALUE : start + length - 1;
        if (description && Packed.get32(b, 24) != 0) {
            throw errno(EINVAL);
        }
        Saveable owner = description ? file : task.fds();
        return new FileLocks.Lock(
                owner, false, description ? -1 : task.threadGroup().pid(), type, start, end);
    }

    private static long getLock(Task task, FileDescription file, long address, boolean description)
            throws ErrnoException {
        byte[] b = task.mm().copyInBytes(address, FLOCK_SIZE);
        FileLocks.Lock wanted = lock(task, file, b, description);
        if (wanted.type() == F_UNLCK) {
            throw errno(EINVAL);
        }
        FileLocks.Lock other = file.inode().locks().conflict(wanted);
        if (other == null) {
            Packed.put16(b, 0, F_UNLCK);
        } else {
            Packed.put16(b, 0, other.type());
            Packed.put16(b, 2, SEEK_SET);
            Packed.put64(b, 8, other.start());
            Packed.put64(
                    b, 16, other.end() == Long.MAX_VALUE ? 0 : other.end() - other.start() + 1);
            Packed.put32(b, 24, other.pid());
        }
        task.mm().copyOutBytes(address, b);
        return 0;
    }

    private static long setLock(
            Task task, FileDescription file, long address, boolean wait, boolean description)
            throws ErrnoException {
        FileLocks.Lock wanted =
                lock(task, file, task.mm().copyInBytes(address, FLOCK_SIZE), description);
        if ((wanted.type() == F_RDLCK && !file.isReadable())
                || (wanted.type() == F_WRLCK && !file.isWritable())) {
            throw errno(EBADF);
        }
        return take(task, file.inode().locks(), wanted, wait);
    }

    private static long take(Task task, FileLocks locks, FileLocks.Lock wanted, boolean wait) {
        long result = locks.set(wanted);
        if (result != -EAGAIN || !wait) {
            return result;
        }
        Task.TaskWaiter waiter = task.waiter();
        locks.waitQueue().add(waiter, POLLIN);
        try {
            while (true) {
                waiter.clear();
                result = locks.set(wanted);
                if (result != -EAGAIN) {
                    return result;
                }
                int blocked = task.block(Long.MAX_VALUE);
                if (blocked != 0) {
                    return blocked;
                }
            }
        } finally {
            locks.waitQueue().remove(waiter);
        }
    }

    /** flock(2). */
    static long flock(Task task, SyscallArgs args) throws ErrnoException {
        int operation = args.int32(1);
        int type =
                switch (operation & ~LOCK_NB) {
                    case LOCK_SH -> F_RDLCK;
                    case LOCK_EX -> F_WRLCK;
                    case LOCK_UN -> F_UNLCK;
                    default -> throw errno(EINVAL);
                };
        try (FileDescription file = task.fds().get(args.int32(0))) {
            if ((file.statusFlags() & O_PATH) != 0) {
                throw errno(EBADF);
            }
            FileLocks.Lock wanted = new FileLocks.Lock(file, true, -1, type, 0, Long.MAX_VALUE);
            return take(task, file.inode().locks(), wanted, (operation & LOCK_NB) == 0);
        }
    }

    /** ioctl(2). */
    static long ioctl(Task task, SyscallArgs args) throws ErrnoException {
        int fd = args.int32(0);
        try (FileDescription file = task.fds().get(fd)) {
            if ((file.statusFlags() & O_PATH) != 0) {
                throw errno(EBADF);
            }
            switch (args.int32(1)) {
                case FIOCLEX -> task.fds().setCloseOnExec(fd, true);
                case FIONCLEX -> task.fds().setCloseOnExec(fd, false);
                case FIONBIO ->
                        file.changeStatusFlags(
                                O_NONBLOCK, task.mm().readInt(args.addr(2)) != 0 ? O_NONBLOCK : 0);
                case FIOASYNC ->
                        file.changeStatusFlags(
                                O_ASYNC, task.mm().readInt(args.addr(2)) != 0 ? O_ASYNC : 0);
                default -> {
                    return file.ioctl(task, args.int32(1), args.int64(2));
                }
            }
            return 0;
        }
    }

    private FcntlSyscalls() {}
}
