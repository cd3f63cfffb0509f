package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ESTALE;
import static dev.thaw.abi.Fcntl.SEEK_CUR;
import static dev.thaw.abi.Fcntl.SEEK_END;
import static dev.thaw.abi.Fcntl.SEEK_SET;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.abi.Poll.POLLPRI;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;

/** An open {@link SyntheticFile}. Its content is made by a read at offset 0 and stays for the reads that follow. */
final class SyntheticFileDescription extends FileDescription {
    private final KernelLock mu = new KernelLock(LockClass.FILE_POSITION);

    @GuardedBy("mu")
    private long position;

    @GuardedBy("mu")
    private byte[] content = new byte[0];

    /** The version that was read last, or was there at the opening. */
    private volatile long seen;

    SyntheticFileDescription(int flags, long version) {
        super(flags);
        seen = version;
    }

    private SyntheticFileDescription(State state) {
        super(state.file);
        this.position = state.position;
        this.content = state.content;
        this.seen = state.seen;
    }

    private SyntheticFile file() throws ErrnoException {
        if (inode() instanceof SyntheticFile file) {
            return file;
        }
        throw errno(ESTALE);
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        mu.lock();
        try {
            long count = readLocked(task, target, position);
            position += count;
            return count;
        } finally {
            mu.unlock();
        }
    }

    @Override
    public long pread(Task task, IoBuffer target, long offset) throws ErrnoException {
        mu.lock();
        try {
            return readLocked(task, target, offset);
        } finally {
            mu.unlock();
        }
    }

    @GuardedBy("mu")
    private long readLocked(Task task, IoBuffer target, long offset) throws ErrnoException {
        if (!isReadable()) {
            throw errno(EBADF);
        }
        if (offset == 0 || content.length == 0) {
            seen = file().version();
            content = file().content(task);
        }
        if (offset >= content.length) {
            return 0;
        }
        return target.put(
                content, (int) offset, (int) Math.min(target.remaining(), content.length - offset));
    }

    @Override
    public long write(Task task, IoBuffer source) throws ErrnoException {
        mu.lock();
        try {
            long count = pwrite(task, source, position);
            position += count;
            return count;
        } finally {
            mu.unlock();
        }
    }

    @Override
    public long pwrite(Task task, IoBuffer source, long offset) throws ErrnoException {
        if (!isWritable()) {
            throw errno(EBADF);
        }
        return file().write(task, source, offset);
    }

    @Override
    public long seek(Task task, long offset, int whence) throws ErrnoException {
        mu.lock();
        try {
            long target =
                    switch (whence) {
                        case SEEK_SET -> offset;
                        case SEEK_CUR -> position + offset;
                        case SEEK_END -> inode().size() + offset;
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

    @Override
    public int poll(int mask) {
        if (!(inode() instanceof SyntheticFile file) || file.changes() == null) {
            return super.poll(mask);
        }
        int ready = POLLOUT | (file.version() != seen ? POLLIN | POLLPRI : 0);
        return ready & mask;
    }

    @Override
    public void addWaiter(Waiter waiter, int mask) {
        if (inode() instanceof SyntheticFile file && file.changes() instanceof WaitQueue queue) {
            queue.add(waiter, mask);
        }
    }

    @Override
    public void removeWaiter(Waiter waiter) {
        if (inode() instanceof SyntheticFile file && file.changes() instanceof WaitQueue queue) {
            queue.remove(waiter);
        }
    }

    /** The content only while it is being read. */
    @StateType(id = 0x0310, version = 2)
    public record State(FileState file, long position, long seen, byte[] content) {}

    @Override
    @SuppressWarnings("GuardedBy") // the kernel is paused
    public Record save(SaveContext context) {
        return new State(saveFile(context), position, seen, content);
    }

    static final Restorer<State, SyntheticFileDescription> RESTORER =
            new Restorer<>() {
                @Override
                public SyntheticFileDescription create(State state, RestoreContext context) {
                    return new SyntheticFileDescription(state);
                }

                @Override
                public void link(
                        SyntheticFileDescription file, State state, RestoreContext context) {
                    file.restoreFile(state.file, context);
                }
            };
}
