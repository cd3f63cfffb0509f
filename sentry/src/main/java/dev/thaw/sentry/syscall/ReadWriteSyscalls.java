package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EOPNOTSUPP;
import static dev.thaw.abi.Errno.ERESTARTSYS;
import static dev.thaw.abi.Errno.ETIMEDOUT;
import static dev.thaw.abi.Fcntl.O_NONBLOCK;
import static dev.thaw.abi.Fcntl.RWF_NOWAIT;
import static dev.thaw.abi.Fcntl.RWF_SUPPORTED;
import static dev.thaw.abi.Inotify.IN_ACCESS;
import static dev.thaw.abi.Inotify.IN_MODIFY;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.abi.Socket.SO_RCVTIMEO;
import static dev.thaw.abi.Socket.SO_SNDTIMEO;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.net.SocketFile;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Watches;

/** read(2), write(2) and their family ({@code fs/read_write.c}). */
final class ReadWriteSyscalls {
    /** Linux's MAX_RW_COUNT. */
    static final long MAX_COUNT = 0x7fff_f000L;

    /** "At the current position". */
    private static final long CURRENT = -1;

    /** read(2). */
    static long read(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return readFile(task, file, buffer(task, args), CURRENT, 0);
        }
    }

    /** write(2). */
    static long write(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return writeFile(task, file, buffer(task, args), CURRENT, 0);
        }
    }

    /** pread64(2). */
    static long pread64(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return readFile(task, file, buffer(task, args), offset(args.int64(3)), 0);
        }
    }

    /** pwrite64(2). */
    static long pwrite64(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return writeFile(task, file, buffer(task, args), offset(args.int64(3)), 0);
        }
    }

    /** readv(2). */
    static long readv(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return readFile(task, file, vector(task, args), CURRENT, 0);
        }
    }

    /** writev(2). */
    static long writev(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return writeFile(task, file, vector(task, args), CURRENT, 0);
        }
    }

    /** preadv(2). */
    static long preadv(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return readFile(task, file, vector(task, args), offset(args.int64(3)), 0);
        }
    }

    /** pwritev(2). */
    static long pwritev(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return writeFile(task, file, vector(task, args), offset(args.int64(3)), 0);
        }
    }

    /** preadv2(2). */
    static long preadv2(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            long offset = args.int64(3) == -1 ? CURRENT : offset(args.int64(3));
            return readFile(task, file, vector(task, args), offset, flags(args.int32(5)));
        }
    }

    /** pwritev2(2). */
    static long pwritev2(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            long offset = args.int64(3) == -1 ? CURRENT : offset(args.int64(3));
            return writeFile(task, file, vector(task, args), offset, flags(args.int32(5)));
        }
    }

    /** lseek(2). */
    static long lseek(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return file.seek(task, args.int64(1), args.int32(2));
        }
    }

    private static IoBuffer buffer(Task task, SyscallArgs args) throws ErrnoException {
        long length = args.size(2);
        if (length < 0) {
            throw errno(EINVAL);
        }
        return task.mm().buffer(args.addr(1), Math.min(length, MAX_COUNT));
    }

    private static IoBuffer vector(Task task, SyscallArgs args) throws ErrnoException {
        return task.mm().iovec(args.addr(1), args.int32(2));
    }

    private static long offset(long offset) throws ErrnoException {
        if (offset < 0) {
            throw errno(EINVAL);
        }
        return offset;
    }

    private static int flags(int flags) throws ErrnoException {
        if ((flags & ~RWF_SUPPORTED) != 0) {
            throw errno(EOPNOTSUPP);
        }
        return flags;
    }

    private static long readFile(
            Task task, FileDescription file, IoBuffer target, long offset, int flags)
            throws ErrnoException {
        if (!file.isReadable()) {
            throw errno(EBADF);
        }
        long count = offset < 0 ? file.read(task, target) : file.pread(task, target, offset);
        if (count != -EAGAIN
                || (file.statusFlags() & O_NONBLOCK) != 0
                || (flags & RWF_NOWAIT) != 0) {
            if (count > 0) {
                Watches.file(file, IN_ACCESS);
            }
            return count;
        }
        Task.TaskWaiter waiter = task.waiter();
        long deadline = deadline(task, file, SO_RCVTIMEO);
        file.addWaiter(waiter, POLLIN);
        try {
            while (true) {
                waiter.clear();
                count = offset < 0 ? file.read(task, target) : file.pread(task, target, offset);
                if (count != -EAGAIN) {
                    return count;
                }
                int blocked = task.block(deadline);
                if (blocked != 0) {
                    return blocked == -ETIMEDOUT ? -EAGAIN : blocked;
                }
            }
        } finally {
            file.removeWaiter(waiter);
        }
    }

    private static long deadline(Task task, FileDescription file, int option) {
        return file instanceof SocketFile socket
                ? SocketSyscalls.deadline(task, socket, 0, option)
                : Long.MAX_VALUE;
    }

    private static long writeFile(
            Task task, FileDescription file, IoBuffer source, long offset, int flags)
            throws ErrnoException {
        if (!file.isWritable()) {
            throw errno(EBADF);
        }
        long before = task.callProgress();
        if (before > 0) {
            source.skip(before);
            return writeRest(task, file, source, before);
        }
        long count = offset < 0 ? file.write(task, source) : file.pwrite(task, source, offset);
        if (count > 0) {
            Watches.file(file, IN_MODIFY);
        }
        if ((file.statusFlags() & O_NONBLOCK) != 0 || (flags & RWF_NOWAIT) != 0) {
            return count;
        }
        if (count == -EAGAIN || (count >= 0 && source.remaining() > 0 && file.pollable())) {
            return writeRest(task, file, source, Math.max(count, 0));
        }
        return count;
    }

    /** A blocking write to a stream ends only when everything is written, or something happens. */
    private static long writeRest(Task task, FileDescription file, IoBuffer source, long written)
            throws ErrnoException {
        long done = written;
        Task.TaskWaiter waiter = task.waiter();
        long deadline = deadline(task, file, SO_SNDTIMEO);
        file.addWaiter(waiter, POLLOUT);
        try {
            while (true) {
                waiter.clear();
                long count = file.write(task, source);
                if (count >= 0) {
                    done += count;
                    if (source.remaining() == 0 || count == 0) {
                        return done;
                    }
                    continue;
                }
                if (count != -EAGAIN) {
                    return done > 0 ? done : count;
                }
                int blocked = task.block(deadline);
                if (blocked == -ETIMEDOUT) {
                    return done > 0 ? done : -EAGAIN;
                }
                if (blocked == -ERESTARTSYS && done > 0) {
                    task.setCallProgress(done); // a pause must not be seen as a short write
                }
                if (blocked != 0) {
                    return blocked;
                }
            }
        } catch (ErrnoException e) {
            if (done > 0) {
                return done;
            }
            throw e;
        } finally {
            file.removeWaiter(waiter);
        }
    }

    private ReadWriteSyscalls() {}
}
