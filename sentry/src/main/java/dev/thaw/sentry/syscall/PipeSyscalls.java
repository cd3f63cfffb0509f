package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ESPIPE;
import static dev.thaw.abi.Fcntl.O_ACCMODE;
import static dev.thaw.abi.Fcntl.O_APPEND;
import static dev.thaw.abi.Fcntl.O_CLOEXEC;
import static dev.thaw.abi.Fcntl.O_DIRECT;
import static dev.thaw.abi.Fcntl.O_NONBLOCK;
import static dev.thaw.abi.Fcntl.O_RDONLY;
import static dev.thaw.abi.Fcntl.O_WRONLY;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.pipe.PipeFile;
import dev.thaw.sentry.fs.pipe.Splice;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FileDescription;

/** pipe(2), splice(2) and their family (Linux: {@code fs/pipe.c}, {@code fs/splice.c}). */
final class PipeSyscalls {
    private static final int SPLICE_F_NONBLOCK = 2;
    private static final int SPLICE_F_ALL = 0xf;

    /** pipe(2). */
    static long pipe(Task task, SyscallArgs args) throws ErrnoException {
        return pipe(task, args.addr(0), 0);
    }

    /** pipe2(2). */
    static long pipe2(Task task, SyscallArgs args) throws ErrnoException {
        return pipe(task, args.addr(0), args.int32(1));
    }

    private static long pipe(Task task, long address, int flags) throws ErrnoException {
        if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0) {
            return -EINVAL;
        }
        PipeFile[] ends = PipeFile.create(flags & O_NONBLOCK);
        NewFiles.installPair(task, ends[0], ends[1], (flags & O_CLOEXEC) != 0, address);
        return 0;
    }

    /** splice(2). Bytes are copied, as between the Sentry's buffers nothing can be moved. */
    static long splice(Task task, SyscallArgs args) throws ErrnoException {
        long length = args.size(4);
        int flags = args.int32(5);
        if ((flags & ~SPLICE_F_ALL) != 0) {
            return -EINVAL;
        }
        if (length == 0) {
            return 0;
        }
        try (FileDescription in = task.fds().get(args.int32(0));
                FileDescription out = task.fds().get(args.int32(2))) {
            requireModes(in, out);
            long bytes = length < 0 ? Integer.MAX_VALUE : length;
            if (in instanceof PipeFile from) {
                if (args.addr(1) != 0) {
                    return -ESPIPE;
                }
                if (out instanceof PipeFile to) {
                    if (args.addr(3) != 0) {
                        return -ESPIPE;
                    }
                    return pipeToPipe(task, from, to, bytes, flags, true);
                }
                if ((out.statusFlags() & O_APPEND) != 0) {
                    return -EINVAL;
                }
                long offset = offset(task, args.addr(3));
                boolean waits = waits(flags, from);
                long done =
                        Waits.until(
                                task,
                                from,
                                POLLIN,
                                deadline(waits),
                                () -> Splice.fromPipe(task, from, out, offset, bytes));
                return finish(task, args.addr(3), offset, done);
            }
            if (out instanceof PipeFile to) {
                if (args.addr(3) != 0) {
                    return -ESPIPE;
                }
                long offset = offset(task, args.addr(1));
                long done = fileToPipe(task, in, offset, to, bytes, flags);
                return finish(task, args.addr(1), offset, done);
            }
            return -EINVAL;
        }
    }

    private static long fileToPipe(
            Task task, FileDescription in, long offset, PipeFile to, long bytes, int flags)
            throws ErrnoException {
        // First room in the pipe, then bytes in the file: only one of them can be waited for at a
        // time.
        boolean waits = waits(flags, to);
        long room = Waits.until(task, to, POLLOUT, deadline(waits), () -> Splice.room(task, to));
        if (room < 0) {
            return room;
        }
        boolean waitsForInput =
                (in.statusFlags() & O_NONBLOCK) == 0 && (flags & SPLICE_F_NONBLOCK) == 0;
        return Waits.until(
                task,
                in,
                POLLIN,
                deadline(waitsForInput),
                () -> Splice.toPipe(task, in, offset, to, Math.min(bytes, room)));
    }

    /** tee(2). */
    static long tee(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(3);
        if ((flags & ~SPLICE_F_ALL) != 0) {
            return -EINVAL;
        }
        if (args.size(2) == 0) {
            return 0;
        }
        try (FileDescription in = task.fds().get(args.int32(0));
                FileDescription out = task.fds().get(args.int32(1))) {
            requireModes(in, out);
            if (!(in instanceof PipeFile from) || !(out instanceof PipeFile to)) {
                return -EINVAL;
            }
            return pipeToPipe(
                    task,
                    from,
                    to,
                    args.size(2) < 0 ? Integer.MAX_VALUE : args.size(2),
                    flags,
                    false);
        }
    }

    private static long pipeToPipe(
            Task task, PipeFile from, PipeFile to, long bytes, int flags, boolean take)
            throws ErrnoException {
        if (from.pipe() == to.pipe()) {
            return -EINVAL;
        }
        boolean waits = waits(flags, from) && waits(flags, to);
        long room = Waits.until(task, to, POLLOUT, deadline(waits), () -> Splice.room(task, to));
        if (room < 0) {
            return room;
        }
        return Waits.until(
                task,
                from,
                POLLIN,
                deadline(waits),
                () -> Splice.between(task, from, to, Math.min(bytes, room), take));
    }

    /** vmsplice(2): a copy, as writev and readv make. */
    static long vmsplice(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(3);
        if ((flags & ~SPLICE_F_ALL) != 0) {
            return -EINVAL;
        }
        try (FileDescription file = task.fds().get(args.int32(0))) {
            if (!(file instanceof PipeFile pipe)) {
                return -EBADF;
            }
            boolean reads = (file.statusFlags() & O_ACCMODE) == O_RDONLY;
            IoBuffer buffer =
                    task.mm().iovec(args.addr(1), (int) Math.min(args.size(2), Integer.MAX_VALUE));
            if (buffer.remaining() == 0) {
                return 0;
            }
            long deadline = deadline(waits(flags, pipe));
            return reads
                    ? Waits.until(task, pipe, POLLIN, deadline, () -> pipe.read(task, buffer))
                    : Waits.until(task, pipe, POLLOUT, deadline, () -> pipe.write(task, buffer));
        }
    }

    private static void requireModes(FileDescription in, FileDescription out)
            throws ErrnoException {
        if ((in.statusFlags() & O_ACCMODE) == O_WRONLY
                || (out.statusFlags() & O_ACCMODE) == O_RDONLY) {
            throw errno(EBADF);
        }
    }

    private static boolean waits(int flags, FileDescription file) {
        return (flags & SPLICE_F_NONBLOCK) == 0 && (file.statusFlags() & O_NONBLOCK) == 0;
    }

    private static long deadline(boolean waits) {
        return waits ? Deadlines.NEVER : Deadlines.NOW;
    }

    /** The guest's {@code loff_t}, -1 for a null pointer. */
    private static long offset(Task task, long address) throws ErrnoException {
        if (address == 0) {
            return -1;
        }
        long offset = task.mm().readLong(address);
        if (offset < 0) {
            throw errno(EINVAL);
        }
        return offset;
    }

    private static long finish(Task task, long address, long offset, long done)
            throws ErrnoException {
        if (address != 0 && done > 0) {
            task.mm().writeLong(address, offset + done);
        }
        return done;
    }

    private PipeSyscalls() {}
}
