package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EFBIG;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EOVERFLOW;
import static dev.thaw.abi.Fcntl.O_APPEND;
import static dev.thaw.abi.Fcntl.O_NOATIME;
import static dev.thaw.abi.Fcntl.SEEK_CUR;
import static dev.thaw.abi.Fcntl.SEEK_DATA;
import static dev.thaw.abi.Fcntl.SEEK_END;
import static dev.thaw.abi.Fcntl.SEEK_HOLE;
import static dev.thaw.abi.Fcntl.SEEK_SET;
import static dev.thaw.abi.Ioctls.FIONREAD;
import static dev.thaw.abi.Signals.SIGXFSZ;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.mm.Mappable;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;

/** An open regular file. */
@SuppressWarnings("NullAway.Init")
public final class RegularFile extends FileDescription {
    private final KernelLock mu = new KernelLock(LockClass.FILE_POSITION);
    private RegularInode inode;

    /** Written with {@link #mu} held. */
    private volatile long position;

    RegularFile(RegularInode inode, int flags) {
        super(flags);
        this.inode = inode;
        inode.opened();
    }

    private RegularFile(State state) {
        super(state.file);
        this.position = state.position;
    }

    @Override
    public Inode inode() {
        return inode;
    }

    @Override
    boolean hasInode() {
        return true;
    }

    @Override
    protected void release() {
        inode.released();
    }

    @Override
    public boolean pollable() {
        return false;
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        mu.lock();
        try {
            long count = pread(task, target, position);
            position += count;
            return count;
        } finally {
            mu.unlock();
        }
    }

    @Override
    public long pread(Task task, IoBuffer target, long offset) throws ErrnoException {
        if (!isReadable()) {
            throw errno(EBADF);
        }
        long count = inode.readAt(target, offset);
        if ((statusFlags() & O_NOATIME) == 0) {
            inode.touchAccessed();
        }
        return count;
    }

    @Override
    public long write(Task task, IoBuffer source) throws ErrnoException {
        mu.lock();
        try {
            boolean append = (statusFlags() & O_APPEND) != 0;
            inode.io.lock();
            try {
                long at = append ? inode.size() : position;
                long count = writeLocked(task, source, at);
                position = at + count;
                return count;
            } finally {
                inode.io.unlock();
            }
        } finally {
            mu.unlock();
        }
    }

    @Override
    public long pwrite(Task task, IoBuffer source, long offset) throws ErrnoException {
        inode.io.lock();
        try {
            // As Linux does, against POSIX: O_APPEND wins over the offset (pwrite(2), BUGS).
            return writeLocked(
                    task, source, (statusFlags() & O_APPEND) != 0 ? inode.size() : offset);
        } finally {
            inode.io.unlock();
        }
    }

    private long writeLocked(Task task, IoBuffer source, long offset) throws ErrnoException {
        if (!isWritable()) {
            throw errno(EBADF);
        }
        long most = source.remaining();
        if (most == 0) {
            return 0;
        }
        long limit = task == null ? Long.MAX_VALUE : Limits.fileSize(task);
        if (offset > limit - most) {
            if (offset >= limit) {
                if (limit != Long.MAX_VALUE) {
                    task.sendSelf(SIGXFSZ);
                }
                throw errno(EFBIG);
            }
            most = limit - offset;
        }
        dropPrivileges(task);
        long count = inode.writeAt(source, offset, most);
        inode.touchModified();
        return count;
    }

    private void dropPrivileges(Task task) throws ErrnoException {
        int mode = inode.mode();
        if ((mode & (Access.S_ISUID | Access.S_ISGID)) != 0
                && task != null
                && !task.credentials().has(Access.CAP_FSETID)) {
            int kept = Access.withoutPrivileges(mode);
            if (kept != mode) {
                inode.chmod(kept);
            }
        }
    }

    @Override
    public long seek(Task task, long offset, int whence) throws ErrnoException {
        mu.lock();
        try {
            long target =
                    switch (whence) {
                        case SEEK_SET -> offset;
                        case SEEK_CUR -> sum(position, offset);
                        case SEEK_END -> sum(inode.size(), offset);
                        case SEEK_DATA, SEEK_HOLE -> inode.cache().seekData(offset, whence);
                        default -> throw errno(EINVAL);
                    };
            if (target < 0) {
                throw errno(EINVAL);
            }
            position = target;
            return target;
        } finally {
            mu.unlock();
        }
    }

    private static long sum(long base, long offset) throws ErrnoException {
        if (offset > Long.MAX_VALUE - base) {
            throw errno(EOVERFLOW);
        }
        return base + offset;
    }

    /** The current position, for /proc/self/fdinfo. */
    public long position() {
        return position;
    }

    @Override
    public long ioctl(Task task, int command, long argument) throws ErrnoException {
        if (command == FIONREAD) {
            long left = Math.max(0, inode.size() - position());
            task.mm().writeInt(argument, (int) Math.min(left, Integer.MAX_VALUE));
            return 0;
        }
        return super.ioctl(task, command, argument);
    }

    @Override
    public Mappable mappable() throws ErrnoException {
        return inode.mappable();
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x030f)
    public record State(FileState file, int inode, long position) {}

    @Override
    @SuppressWarnings("GuardedBy") // the kernel is paused
    public Record save(SaveContext context) {
        return new State(saveFile(context), context.ref(inode), position);
    }

    static final Restorer<State, RegularFile> RESTORER =
            new Restorer<>() {
                @Override
                public RegularFile create(State state, RestoreContext context) {
                    return new RegularFile(state);
                }

                @Override
                public void link(RegularFile file, State state, RestoreContext context) {
                    file.restoreFile(state.file, context);
                    file.inode = context.get(state.inode, RegularInode.class);
                    file.inode.opened();
                }
            };
}
