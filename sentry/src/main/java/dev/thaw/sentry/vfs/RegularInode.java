package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EOPNOTSUPP;
import static dev.thaw.abi.Fcntl.FALLOC_FL_KEEP_SIZE;
import static dev.thaw.abi.Fcntl.FALLOC_FL_PUNCH_HOLE;
import static dev.thaw.abi.Fcntl.FALLOC_FL_ZERO_RANGE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.mm.Mappable;
import org.jspecify.annotations.Nullable;

/** A regular file whose content is a {@link PageCache}. */
public abstract class RegularInode extends Inode {
    /** Serialises writes and changes of size (Linux: {@code i_rwsem}); readers do not take it. Guest memory is copied under it. */
    protected final KernelLock io = new KernelLock(LockClass.INODE_IO);

    protected RegularInode(Filesystem fs, long ino, int mode, int uid, int gid) {
        super(fs, ino, mode, uid, gid);
    }

    protected RegularInode() {}

    /** The content. */
    protected abstract PageCache cache();

    @Override
    public long size() {
        return cache().size();
    }

    @Override
    public long blocks() {
        return cache().heldPages() * 8;
    }

    /** Reads at {@code offset}; returns bytes, 0 at the end. */
    protected long readAt(IoBuffer target, long offset) throws ErrnoException {
        return cache().read(target, offset);
    }

    /** Writes at most {@code most} bytes at {@code offset}, under the write lock. */
    protected long writeAt(IoBuffer source, long offset, long most) throws ErrnoException {
        return cache().write(source, offset, most);
    }

    /** Sets the size, under the write lock. */
    protected void truncateLocked(long size) throws ErrnoException {
        cache().truncate(size);
    }

    /** What mmap(2) maps. */
    protected Mappable mappable() throws ErrnoException {
        return cache();
    }

    /** What must not change any more (F_SEAL_*), or -1 for a file that has no seals. */
    public int seals() {
        return -1;
    }

    /** Adds seals; EPERM once F_SEAL_SEAL is among them, EBUSY when a mapping stands against one. */
    public void addSeals(int seals) throws ErrnoException {
        throw errno(EINVAL);
    }

    @Override
    public void truncate(long size) throws ErrnoException {
        if (size < 0) {
            throw errno(EINVAL);
        }
        io.lock();
        try {
            truncateLocked(size);
            touchModified();
        } finally {
            io.unlock();
        }
    }

    @Override
    public void allocate(int flags, long offset, long length) throws ErrnoException {
        io.lock();
        try {
            allocateLocked(flags, offset, length);
            touchModified();
        } finally {
            io.unlock();
        }
    }

    /** fallocate(2), under the write lock. */
    protected void allocateLocked(int flags, long offset, long length) throws ErrnoException {
        PageCache cache = cache();
        switch (flags & ~FALLOC_FL_KEEP_SIZE) {
            case 0 -> cache.reserve(offset, length);
            case FALLOC_FL_PUNCH_HOLE -> {
                if ((flags & FALLOC_FL_KEEP_SIZE) == 0) {
                    throw errno(EOPNOTSUPP);
                }
                cache.punch(offset, length);
                return;
            }
            case FALLOC_FL_ZERO_RANGE -> cache.punch(offset, length);
            default -> throw errno(EOPNOTSUPP);
        }
        if ((flags & FALLOC_FL_KEEP_SIZE) == 0 && offset + length > cache.size()) {
            cache.setSize(offset + length);
        }
    }

    @Override
    public FileDescription open(@Nullable Task task, Location location, int flags)
            throws ErrnoException {
        return new RegularFile(this, flags);
    }
}
