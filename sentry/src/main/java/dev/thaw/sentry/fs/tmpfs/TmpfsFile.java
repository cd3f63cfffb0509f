package dev.thaw.sentry.fs.tmpfs;

import static dev.thaw.abi.Errno.EBUSY;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Fcntl.FALLOC_FL_PUNCH_HOLE;
import static dev.thaw.abi.Fcntl.FALLOC_FL_ZERO_RANGE;
import static dev.thaw.abi.Fcntl.F_SEAL_FUTURE_WRITE;
import static dev.thaw.abi.Fcntl.F_SEAL_GROW;
import static dev.thaw.abi.Fcntl.F_SEAL_SEAL;
import static dev.thaw.abi.Fcntl.F_SEAL_SHRINK;
import static dev.thaw.abi.Fcntl.F_SEAL_WRITE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.InodeAttributes;
import dev.thaw.sentry.vfs.NewNode;
import dev.thaw.sentry.vfs.PageCache;
import dev.thaw.sentry.vfs.PageSource;
import dev.thaw.sentry.vfs.RegularInode;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.lang.foreign.MemorySegment;

/** A regular file in memory. It may lie below an overlay. */
@SuppressWarnings("NullAway.Init")
public final class TmpfsFile extends RegularInode implements PageSource {
    private static final int ALL_SEALS = 0x1f;
    private static final int WRITE_SEALS = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

    private PageCache cache;

    /** Written under the write lock. */
    private volatile int seals = F_SEAL_SEAL;

    TmpfsFile(Filesystem fs, NewNode node, PageCache cache) {
        super(fs, fs.nextIno(), node.mode(), node.uid(), node.gid());
        this.cache = cache;
    }

    private TmpfsFile() {}

    @Override
    protected PageCache cache() {
        return cache;
    }

    @Override
    protected void forgotten() {
        if (nlink() == 0 && !isOpen() && !cache.isMapped()) {
            cache.discard();
        }
    }

    @Override
    public int seals() {
        return seals;
    }

    /** Lets a new file be sealed (MFD_ALLOW_SEALING). */
    void allowSeals() {
        seals = 0;
    }

    @Override
    public void addSeals(int added) throws ErrnoException {
        if ((added & ~ALL_SEALS) != 0) {
            throw errno(EINVAL);
        }
        io.lock();
        try {
            if ((seals & F_SEAL_SEAL) != 0) {
                throw errno(EPERM);
            }
            if ((added & F_SEAL_WRITE) != 0 && cache.isMapped()) {
                throw errno(EBUSY);
            }
            seals |= added;
        } finally {
            io.unlock();
        }
    }

    @Override
    protected long writeAt(IoBuffer source, long offset, long most) throws ErrnoException {
        if ((seals & WRITE_SEALS) != 0
                || (seals & F_SEAL_GROW) != 0 && offset + most > cache.size()) {
            throw errno(EPERM);
        }
        return super.writeAt(source, offset, most);
    }

    @Override
    protected void truncateLocked(long size) throws ErrnoException {
        if (size < cache.size() && (seals & F_SEAL_SHRINK) != 0
                || size > cache.size() && (seals & F_SEAL_GROW) != 0) {
            throw errno(EPERM);
        }
        super.truncateLocked(size);
    }

    @Override
    protected void allocateLocked(int flags, long offset, long length) throws ErrnoException {
        boolean changes = (flags & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0;
        if (changes && (seals & WRITE_SEALS) != 0
                || (seals & F_SEAL_GROW) != 0 && offset + length > cache.size()) {
            throw errno(EPERM);
        }
        super.allocateLocked(flags, offset, length);
    }

    @Override
    public long readPages(long offset, MemorySegment target, long targetOffset, long length)
            throws ErrnoException {
        return cache.read(IoBuffer.of(target.asSlice(targetOffset, length)), offset);
    }

    @Override
    public long readInto(IoBuffer target, long offset, long length) throws ErrnoException {
        long count = Math.min(length, target.remaining());
        byte[] bytes = new byte[(int) Math.min(count, 1 << 16)];
        long got = cache.read(IoBuffer.of(bytes), offset);
        return got <= 0 ? 0 : target.put(bytes, 0, (int) got);
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0341, version = 2)
    public record State(int fs, InodeAttributes attributes, int cache, int seals) {}

    @Override
    public Record save(SaveContext context) {
        return new State(context.ref(fs()), saveAttributes(context), context.ref(cache), seals);
    }

    static final Restorer<State, TmpfsFile> RESTORER =
            new Restorer<>() {
                @Override
                public TmpfsFile create(State state, RestoreContext context) {
                    return new TmpfsFile();
                }

                @Override
                public void link(TmpfsFile file, State state, RestoreContext context) {
                    file.restoreInode(state.fs, state.attributes, context);
                    file.cache = context.get(state.cache, PageCache.class);
                    file.seals = state.seals;
                    MemoryStore store = (MemoryStore) context.get(state.fs, Filesystem.class);
                    context.afterLink(() -> file.cache.restoreQuota(store.quota()));
                }
            };
}
