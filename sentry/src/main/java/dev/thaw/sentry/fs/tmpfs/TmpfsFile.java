package dev.thaw.sentry.fs.tmpfs;

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
    private PageCache cache;

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
    @StateType(id = 0x0341)
    public record State(int fs, InodeAttributes attributes, int cache) {}

    @Override
    public Record save(SaveContext context) {
        return new State(context.ref(fs()), saveAttributes(context), context.ref(cache));
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
                    MemoryStore store = (MemoryStore) context.get(state.fs, Filesystem.class);
                    context.afterLink(() -> file.cache.restoreQuota(store.quota()));
                }
            };
}
