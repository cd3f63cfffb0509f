package dev.thaw.sentry.fs.tmpfs;

import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Mount.TMPFS_MAGIC;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.FsStat;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.NewNode;
import dev.thaw.sentry.vfs.PageCache;
import dev.thaw.sentry.vfs.PageQuota;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;

/** A file system in memory (tmpfs(5)); content is pages of the memory file. */
@SuppressWarnings("NullAway.Init")
public class TmpfsFilesystem extends Filesystem implements MemoryStore {
    private static final long UNLIMITED = 1L << 22; // pages that statfs shows without a limit

    private MemoryFile memory;
    private final PageQuota quota;

    /** A file system that holds at most {@code sizeLimit} bytes (0: any) and whose root has the permissions {@code rootMode}. */
    @SuppressWarnings("this-escape")
    public TmpfsFilesystem(MemoryFile memory, long sizeLimit, int rootMode) {
        this.memory = memory;
        this.quota = new PageQuota((sizeLimit + 4095) >>> 12);
        setRoot(new TmpfsDirectory(this, new NewNode(S_IFDIR | rootMode & 0xfff, 0, 0, 0, null)));
    }

    private TmpfsFilesystem(long pages) {
        this.quota = new PageQuota(pages);
    }

    @Override
    public MemoryFile memory() {
        return memory;
    }

    @Override
    public PageQuota quota() {
        return quota;
    }

    /** A regular file that is in no directory (memfd_create, shared anonymous memory). */
    public Inode newUnnamed(NewNode node) {
        TmpfsFile file = new TmpfsFile(this, node, new PageCache(memory, quota));
        file.changeLinks(-1);
        return file;
    }

    @Override
    public String name() {
        return "tmpfs";
    }

    @Override
    public String options() {
        return quota.limit() == 0 ? "" : "size=" + quota.limit() * 4 + "k";
    }

    @Override
    public FsStat statfs() {
        long blocks = quota.limit() == 0 ? UNLIMITED : quota.limit();
        long free = Math.max(0, blocks - quota.used());
        return new FsStat(TMPFS_MAGIC, 4096, blocks, free, free, 1 << 20, 1 << 19, 255, 0);
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0340)
    public record State(FsState fs, long pages) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFs(context), quota.limit());
    }

    static final Restorer<State, TmpfsFilesystem> RESTORER =
            new Restorer<>() {
                @Override
                public TmpfsFilesystem create(State state, RestoreContext context) {
                    return new TmpfsFilesystem(state.pages);
                }

                @Override
                public void link(TmpfsFilesystem fs, State state, RestoreContext context) {
                    fs.memory = context.service(MemoryFile.class);
                    fs.restoreFs(state.fs, context);
                }
            };
}
