package dev.thaw.sentry.fs.overlay;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.tmpfs.MemoryStore;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.InodeAttributes;
import dev.thaw.sentry.vfs.PageCache;
import dev.thaw.sentry.vfs.PageSource;
import dev.thaw.sentry.vfs.RegularInode;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import org.jspecify.annotations.Nullable;

/** A regular file of a layer below: read from there, except for pages that were written or mapped. */
@SuppressWarnings("NullAway.Init")
final class OverlayFile extends RegularInode implements OverlayInode {
    private RegularInode lower;
    private volatile @Nullable PageCache cache;
    private volatile boolean changed;

    OverlayFile(OverlayFilesystem fs, RegularInode lower) {
        super(fs, lower.ino(), lower.mode(), lower.uid(), lower.gid());
        this.lower = lower;
        setNlink(lower.nlink());
        setTimes(lower.atime(), lower.mtime(), lower.ctime());
    }

    private OverlayFile() {}

    @Override
    protected PageCache cache() {
        PageCache current = cache;
        if (current == null) {
            mu.lock();
            try {
                current = cache;
                if (current == null) {
                    MemoryStore store = (MemoryStore) fs();
                    current =
                            new PageCache(
                                    store.memory(),
                                    store.quota(),
                                    (PageSource) lower,
                                    lower.size());
                    cache = current;
                }
            } finally {
                mu.unlock();
            }
        }
        return current;
    }

    @Override
    public long size() {
        PageCache current = cache;
        return current == null ? lower.size() : current.size();
    }

    @Override
    public long blocks() {
        return changed ? (size() + 4095) >>> 12 << 3 : lower.blocks();
    }

    @Override
    public boolean isClean() {
        PageCache current = cache;
        return !changed && (current == null || !current.isDirty());
    }

    @Override
    public void markChanged() {
        changed = true;
    }

    @Override
    protected long writeAt(IoBuffer source, long offset, long most) throws ErrnoException {
        changed = true;
        return super.writeAt(source, offset, most);
    }

    @Override
    protected void truncateLocked(long size) throws ErrnoException {
        changed = true;
        super.truncateLocked(size);
    }

    @Override
    protected void allocateLocked(int flags, long offset, long length) throws ErrnoException {
        changed = true;
        super.allocateLocked(flags, offset, length);
    }

    @Override
    public void chmod(int permissions) throws ErrnoException {
        changed = true;
        super.chmod(permissions);
    }

    @Override
    public void chown(int uid, int gid) throws ErrnoException {
        changed = true;
        super.chown(uid, gid);
    }

    @Override
    public void utimes(long atime, long mtime) throws ErrnoException {
        changed = true;
        super.utimes(atime, mtime);
    }

    @Override
    protected void forgotten() {
        PageCache current = cache;
        if (current != null && nlink() == 0 && !isOpen() && !current.isMapped()) {
            current.discard();
        }
    }

    /** What a checkpoint keeps; {@code cache} is 0 where nothing was mapped or written. */
    @StateType(id = 0x0362)
    public record State(
            int fs, InodeAttributes attributes, int lower, int cache, boolean changed) {}

    @Override
    public Record save(SaveContext context) {
        return new State(
                context.ref(fs()),
                saveAttributes(context),
                context.ref(lower),
                context.ref(cache),
                changed);
    }

    static final Restorer<State, OverlayFile> RESTORER =
            new Restorer<>() {
                @Override
                public OverlayFile create(State state, RestoreContext context) {
                    return new OverlayFile();
                }

                @Override
                public void link(OverlayFile file, State state, RestoreContext context) {
                    file.restoreInode(state.fs, state.attributes, context);
                    file.lower = context.get(state.lower, RegularInode.class);
                    PageCache cache = context.getOrNull(state.cache, PageCache.class);
                    file.cache = cache;
                    file.changed = state.changed;
                    if (cache != null) {
                        MemoryStore store = (MemoryStore) context.get(state.fs, Filesystem.class);
                        context.afterLink(() -> cache.restoreQuota(store.quota()));
                    }
                }
            };
}
