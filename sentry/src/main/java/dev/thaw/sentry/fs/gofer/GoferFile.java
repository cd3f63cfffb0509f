package dev.thaw.sentry.fs.gofer;

import static dev.thaw.abi.Fcntl.O_RDONLY;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.gofer.GoferProtocol.SET_SIZE;
import static dev.thaw.sentry.ErrnoException.check;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import dev.thaw.sentry.ErrnoException;
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
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A regular file of the host. Reads go to the donated descriptor, except for pages that a guest maps: those are in the page cache and stand for the content from then on. Writes go to the host at once, and
 * into such pages; what is written through a shared mapping reaches the host by fsync(2), msync(2), and at the last close.
 */
@SuppressWarnings("NullAway.Init")
final class GoferFile extends RegularInode implements PageSource {
    private static final int BUFFER = 1 << 18;
    private static final ThreadLocal<MemorySegment> BUFFERS =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(BUFFER, 4096));

    private GoferName at;
    private GoferFd reading = new GoferFd(this, O_RDONLY);
    private GoferFd writing = new GoferFd(this, O_RDWR);
    private PageCache cache;
    private volatile long blocks;
    private volatile long device;

    GoferFile(GoferFilesystem fs, GoferName at, HostStat stat) {
        super(fs, stat.ino, stat.mode, stat.uid, stat.gid);
        this.at = at;
        this.cache = new PageCache(fs.memory(), null, this, stat.size);
        this.blocks = stat.blocks;
        this.device = stat.dev;
        setNlink(stat.nlink);
        setTimes(stat.atime, stat.mtime, stat.ctime);
    }

    private GoferFile() {}

    GoferFilesystem goferFs() {
        return (GoferFilesystem) fs();
    }

    GoferName at() {
        return at;
    }

    int openHost(int flags) {
        GoferFilesystem fs = goferFs();
        return fs.client().open(fs.handle(), at.path(), flags);
    }

    /** A file without a name can not be opened again. */
    boolean mustKeepFd() {
        return nlink() == 0;
    }

    /** The name is about to go: gets the descriptor while it can. */
    void keepOpen() throws ErrnoException {
        writing.enter();
        writing.leave();
    }

    void adoptFd(int fd) {
        writing.adopt(fd);
    }

    /** Takes over what the host says now. */
    void refresh(HostStat stat) {
        blocks = stat.blocks;
        setMode(stat.mode);
        setOwner(stat.uid, stat.gid);
        setNlink(stat.nlink);
        setTimes(stat.atime, stat.mtime, stat.ctime);
        if (stat.size != cache.size() && !cache.isDirty()) {
            cache.setSourceSize(stat.size);
        }
    }

    @Override
    protected PageCache cache() {
        return cache;
    }

    @Override
    public long blocks() {
        return blocks;
    }

    private GoferFd readable() {
        return nlink() == 0 && !fs().isReadOnly() ? writing : reading;
    }

    @Override
    public long readPages(long offset, MemorySegment target, long targetOffset, long length)
            throws ErrnoException {
        GoferFd from = readable();
        int fd = from.enter();
        try {
            long done = 0;
            while (done < length) {
                long count =
                        check(
                                HostFiles.pread(
                                        fd,
                                        target,
                                        targetOffset + done,
                                        length - done,
                                        offset + done));
                if (count == 0) {
                    break;
                }
                done += count;
            }
            return done;
        } finally {
            from.leave();
        }
    }

    @Override
    public long readInto(IoBuffer target, long offset, long length) throws ErrnoException {
        MemorySegment buffer = BUFFERS.get();
        GoferFd from = readable();
        int fd = from.enter();
        long count;
        try {
            count = check(HostFiles.pread(fd, buffer, 0, Math.min(length, BUFFER), offset));
        } finally {
            from.leave();
        }
        return count == 0 ? 0 : target.put(buffer, 0, count);
    }

    @Override
    protected long writeAt(IoBuffer source, long offset, long most) throws ErrnoException {
        MemorySegment buffer = BUFFERS.get();
        long total = Math.min(most, source.remaining());
        long done = 0;
        int fd = writing.enter();
        try {
            while (done < total) {
                long step = source.take(buffer, 0, Math.min(BUFFER, total - done));
                long count = HostFiles.pwrite(fd, buffer, 0, step, offset + done);
                if (count < 0) {
                    return done > 0 ? done : check(count);
                }
                long end = offset + done + count;
                cache.overwrite(buffer, offset + done, count);
                if (end > cache.size()) {
                    cache.setSourceSize(end);
                }
                done += count;
                if (count < step) {
                    break;
                }
            }
        } finally {
            writing.leave();
        }
        return done;
    }

    @Override
    protected void truncateLocked(long size) throws ErrnoException {
        int fd = writing.enter();
        try {
            check(HostFiles.ftruncate(fd, size));
        } finally {
            writing.leave();
        }
        cache.truncate(size);
        cache.setSourceSize(size);
    }

    @Override
    protected void allocateLocked(int flags, long offset, long length) throws ErrnoException {
        int fd = writing.enter();
        try {
            flush();
            check(HostFiles.fallocate(fd, flags, offset, length));
            HostStat stat = new HostStat();
            check(HostFiles.fstat(fd, stat));
            cache.forget();
            cache.setSourceSize(stat.size);
        } finally {
            writing.leave();
        }
    }

    private void flush() throws ErrnoException {
        if (!cache.isDirty()) {
            return;
        }
        int fd = writing.enter();
        try {
            cache.flush(
                    (view, viewOffset, offset, length) ->
                            HostFiles.pwrite(fd, view, viewOffset, length, offset));
        } finally {
            writing.leave();
        }
    }

    @Override
    public void sync(boolean dataOnly) throws ErrnoException {
        if (fs().isReadOnly()) {
            return;
        }
        flush();
        int fd = writing.enter();
        try {
            check(dataOnly ? HostFiles.fdatasync(fd) : HostFiles.fsync(fd));
        } finally {
            writing.leave();
        }
    }

    @Override
    protected void forgotten() {
        if (!isOpen() && !cache.isMapped()) {
            try {
                flush();
            } catch (ErrnoException _) {
                // The disk is full or the file gone: what close(2) can not tell, fsync(2) would
                // have.
            }
            if (!fs().isReadOnly()) {
                cache.forget();
            }
        }
    }

    private void set(int mask, int mode, int uid, int gid, long atime, long mtime)
            throws ErrnoException {
        refresh(GoferNames.setattr(goferFs(), at, mask & ~SET_SIZE, mode, uid, gid, atime, mtime));
    }

    @Override
    public void chmod(int permissions) throws ErrnoException {
        set(dev.thaw.gofer.GoferProtocol.SET_MODE, permissions & 0xfff, 0, 0, 0, 0);
    }

    @Override
    public void chown(int uid, int gid) throws ErrnoException {
        set(GoferNames.ownerMask(uid, gid), 0, uid, gid, 0, 0);
    }

    @Override
    public void utimes(long atime, long mtime) throws ErrnoException {
        set(GoferNames.timeMask(atime, mtime), 0, 0, 0, atime, mtime);
    }

    @Override
    public void touchAccessed() {
        if (!fs().isReadOnly()) {
            super.touchAccessed();
        }
    }

    /** What a restore compares the host's file with. A read-only tree counts as unchanging; else the host is asked, as times are its own there. Empty for a file without a name. */
    private long[] identity() {
        if (nlink() == 0) {
            return new long[0];
        }
        if (fs().isReadOnly()) {
            return new long[] {device, ino(), cache.size(), mtime()};
        }
        HostStat stat = new HostStat();
        int result = goferFs().client().stat(goferFs().handle(), at.path(), stat);
        return result < 0 ? new long[0] : ChangedFiles.identity(stat);
    }

    /** What a checkpoint keeps: the name by which the file is found again, and what it was then. */
    @StateType(id = 0x0382, version = 2)
    public record State(
            int fs,
            InodeAttributes attributes,
            int parent,
            String name,
            int cache,
            long blocks,
            long[] identity) {}

    @Override
    public Record save(SaveContext context) {
        return new State(
                context.ref(fs()),
                saveAttributes(context),
                context.ref(at.parent()),
                at.name(),
                context.ref(cache),
                blocks,
                identity());
    }

    static final Restorer<State, GoferFile> RESTORER =
            new Restorer<>() {
                @Override
                public GoferFile create(State state, RestoreContext context) {
                    return new GoferFile();
                }

                @Override
                public void link(GoferFile file, State state, RestoreContext context) {
                    assert context.get(state.fs, Filesystem.class) instanceof GoferFilesystem;
                    file.restoreInode(state.fs, state.attributes, context);
                    file.cache = context.get(state.cache, PageCache.class);
                    file.blocks = state.blocks;
                    file.at = GoferNames.restore(file, state.parent, state.name, context);
                    if (state.identity.length == 4) {
                        file.device = state.identity[0];
                        ChangedFiles changed = context.service(ChangedFiles.class);
                        context.afterLink(() -> changed.check(file, state.identity));
                    }
                }
            };
}
