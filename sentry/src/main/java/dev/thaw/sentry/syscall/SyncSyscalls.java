package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EISDIR;
import static dev.thaw.abi.Errno.ESPIPE;
import static dev.thaw.abi.Fcntl.O_APPEND;
import static dev.thaw.abi.Fcntl.O_NONBLOCK;
import static dev.thaw.abi.Fcntl.SEEK_CUR;
import static dev.thaw.abi.Fcntl.SEEK_SET;
import static dev.thaw.abi.Fcntl.S_IFIFO;
import static dev.thaw.abi.Fcntl.S_IFSOCK;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Mount;
import java.lang.foreign.MemorySegment;

/** fsync(2) and advice; copies between descriptors: sendfile(2), copy_file_range(2). */
final class SyncSyscalls {
    private static final int CHUNK = 1 << 17;

    /** fsync(2). */
    static long fsync(Task task, SyscallArgs args) throws ErrnoException {
        return sync(task, args.int32(0), false);
    }

    /** fdatasync(2). */
    static long fdatasync(Task task, SyscallArgs args) throws ErrnoException {
        return sync(task, args.int32(0), true);
    }

    private static long sync(Task task, int fd, boolean dataOnly) throws ErrnoException {
        Inode inode = Paths.inode(task, fd);
        if (!inode.isRegular() && !inode.isDirectory()) {
            throw errno(EINVAL);
        }
        inode.sync(dataOnly);
        return 0;
    }

    /** sync(2). */
    static long sync(Task task, SyscallArgs args) throws ErrnoException {
        for (Mount mount : task.fs().namespace().mounts()) {
            mount.fs().sync();
        }
        return 0;
    }

    /** syncfs(2). */
    static long syncfs(Task task, SyscallArgs args) throws ErrnoException {
        Paths.inode(task, args.int32(0)).fs().sync();
        return 0;
    }

    /** sync_file_range(2). */
    static long syncFileRange(Task task, SyscallArgs args) throws ErrnoException {
        Paths.checkFlags(args.int32(3), 7);
        if (args.int64(1) < 0 || args.int64(2) < 0) {
            throw errno(EINVAL);
        }
        Inode inode = Paths.inode(task, args.int32(0));
        if (!inode.isRegular() && !inode.isDirectory()) {
            throw errno(ESPIPE);
        }
        inode.sync(true);
        return 0;
    }

    /** fadvise64(2). */
    static long fadvise64(Task task, SyscallArgs args) throws ErrnoException {
        int type = Paths.inode(task, args.int32(0)).type();
        if (type == S_IFIFO || type == S_IFSOCK) {
            throw errno(ESPIPE);
        }
        int advice = args.int32(3);
        if (advice < 0 || advice > 5 || args.int64(2) < 0) {
            throw errno(EINVAL);
        }
        return 0;
    }

    /** readahead(2). */
    static long readahead(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            if (!file.isReadable()) {
                throw errno(EBADF);
            }
            if (!file.inode().isRegular()) {
                throw errno(EINVAL);
            }
        }
        return 0;
    }

    /** sendfile(2). */
    static long sendfile(Task task, SyscallArgs args) throws ErrnoException {
        long offsetAddress = args.addr(2);
        try (FileDescription out = task.fds().get(args.int32(0));
                FileDescription in = task.fds().get(args.int32(1))) {
            if (!in.isReadable() || !out.isWritable()) {
                throw errno(EBADF);
            }
            long count = args.size(3);
            if (count < 0 || (out.statusFlags() & O_APPEND) != 0) {
                throw errno(EINVAL);
            }
            long offset = offsetAddress == 0 ? -1 : task.mm().readLong(offsetAddress);
            if (offsetAddress != 0 && offset < 0) {
                throw errno(EINVAL);
            }
            if (!in.inode().isRegular()) {
                throw errno(EINVAL);
            }
            long start = offset < 0 ? in.seek(task, 0, SEEK_CUR) : offset;
            long done =
                    copy(task, in, start, out, -1, Math.min(count, ReadWriteSyscalls.MAX_COUNT));
            if (done > 0 && offset < 0) {
                in.seek(task, start + done, SEEK_SET);
            }
            if (offsetAddress != 0 && done > 0) {
                task.mm().writeLong(offsetAddress, start + done);
            }
            return done;
        }
    }

    /** copy_file_range(2). */
    static long copyFileRange(Task task, SyscallArgs args) throws ErrnoException {
        Paths.checkFlags(args.int32(5), 0);
        long inAddress = args.addr(1);
        long outAddress = args.addr(3);
        try (FileDescription in = task.fds().get(args.int32(0));
                FileDescription out = task.fds().get(args.int32(2))) {
            if (in.inode().isDirectory() || out.inode().isDirectory()) {
                throw errno(EISDIR);
            }
            if (!in.inode().isRegular() || !out.inode().isRegular()) {
                throw errno(EINVAL);
            }
            if (!in.isReadable() || !out.isWritable() || (out.statusFlags() & O_APPEND) != 0) {
                throw errno(EBADF);
            }
            long from = inAddress == 0 ? in.seek(task, 0, SEEK_CUR) : task.mm().readLong(inAddress);
            long to =
                    outAddress == 0 ? out.seek(task, 0, SEEK_CUR) : task.mm().readLong(outAddress);
            long count = args.size(4);
            if (from < 0 || to < 0 || count < 0) {
                throw errno(EINVAL);
            }
            count = Math.min(count, Math.max(0, in.inode().size() - from));
            if (in.inode() == out.inode() && from < to + count && to < from + count) {
                throw errno(EINVAL);
            }
            long done = copy(task, in, from, out, to, Math.min(count, ReadWriteSyscalls.MAX_COUNT));
            if (done > 0) {
                advance(task, in, inAddress, from + done);
                advance(task, out, outAddress, to + done);
            }
            return done;
        }
    }

    private static void advance(Task task, FileDescription file, long address, long position)
            throws ErrnoException {
        if (address == 0) {
            file.seek(task, position, SEEK_SET);
        } else {
            task.mm().writeLong(address, position);
        }
    }

    /** Copies through a buffer; {@code to} is -1 for the current position. Returns what was copied, or an outcome when that is nothing. */
    private static long copy(
            Task task, FileDescription in, long from, FileDescription out, long to, long count)
            throws ErrnoException {
        MemorySegment buffer = MemorySegment.ofArray(new byte[(int) Math.min(count, CHUNK)]);
        long done = 0;
        try {
            while (done < count) {
                long want = Math.min(count - done, CHUNK);
                long got = in.pread(task, IoBuffer.of(buffer.asSlice(0, want)), from + done);
                if (got <= 0) {
                    break;
                }
                IoBuffer source = IoBuffer.of(buffer.asSlice(0, got));
                long put =
                        to < 0 ? writeSome(task, out, source) : out.pwrite(task, source, to + done);
                if (put < 0) {
                    return done > 0 ? done : put;
                }
                done += put;
                if (put < got) {
                    break;
                }
            }
        } catch (ErrnoException e) {
            if (done == 0) {
                throw e;
            }
        }
        return done;
    }

    private static long writeSome(Task task, FileDescription out, IoBuffer source)
            throws ErrnoException {
        long count = out.write(task, source);
        if (count != -EAGAIN || (out.statusFlags() & O_NONBLOCK) != 0) {
            return count;
        }
        Task.TaskWaiter waiter = task.waiter();
        out.addWaiter(waiter, POLLOUT);
        try {
            while (true) {
                waiter.clear();
                count = out.write(task, source);
                if (count != -EAGAIN) {
                    return count;
                }
                int blocked = task.block(Long.MAX_VALUE);
                if (blocked != 0) {
                    return blocked;
                }
            }
        } finally {
            out.removeWaiter(waiter);
        }
    }

    private SyncSyscalls() {}
}
