package dev.thaw.sentry.fs.overlay;

import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.abi.Mount.OVERLAYFS_SUPER_MAGIC;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.tmpfs.MemoryStore;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.FsStat;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.PageQuota;
import dev.thaw.sentry.vfs.RegularInode;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;

/**
 * A writable layer in memory over read-only layers (Linux: overlayfs with a tmpfs as the upper directory).
 *
 * <p>Linux's overlayfs copies a whole file up on its first open for writing, and a reader that opened it before keeps the old one. Here an inode is one object from its first look-up on: its attributes
 * are taken over at once, its pages when they are written ({@link dev.thaw.sentry.vfs.PageCache}). So inode numbers are stable, open files stay coherent, and changing one byte of a large file costs one page. Directories keep the layers below
 * them wherever they are moved, so renaming one needs neither EXDEV nor a copy.
 */
@SuppressWarnings("NullAway.Init")
public final class OverlayFilesystem extends Filesystem implements MemoryStore {
    /** Numbers of files made here, apart from those of the layers. */
    private static final long FIRST_INO = 1L << 48;

    private List<Filesystem> lowers;
    private TmpfsFilesystem upper;

    /** {@code lowers} from top to bottom; {@code upper}, a tmpfs, gives the memory and the size limit and need hold nothing. */
    public OverlayFilesystem(List<Filesystem> lowers, Filesystem upper) {
        this.lowers = List.copyOf(lowers);
        this.upper = (TmpfsFilesystem) upper;
        startInodesAt(FIRST_INO);
        ArrayList<Inode> roots = new ArrayList<>();
        for (Filesystem lower : lowers) {
            roots.add(lower.root().requireInode());
        }
        setRoot(new OverlayDirectory(this, roots));
    }

    private OverlayFilesystem() {}

    @Override
    public MemoryFile memory() {
        return upper.memory();
    }

    @Override
    public PageQuota quota() {
        return upper.quota();
    }

    /** The overlay's inode for a file that only the layers below have. {@code found} are the directories of that name from top to bottom, or one file. */
    Inode wrap(List<Inode> found) {
        Inode top = found.getFirst();
        return switch (top.type()) {
            case S_IFDIR -> new OverlayDirectory(this, found);
            case S_IFREG -> new OverlayFile(this, (RegularInode) top);
            default -> new OverlayNode(this, top);
        };
    }

    @Override
    public String name() {
        return "overlay";
    }

    @Override
    public FsStat statfs() throws ErrnoException {
        FsStat s = upper.statfs();
        return new FsStat(
                OVERLAYFS_SUPER_MAGIC & 0xffff_ffffL,
                s.blockSize(),
                s.blocks(),
                s.free(),
                s.available(),
                s.files(),
                s.filesFree(),
                255,
                0);
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0360)
    public record State(FsState fs, int[] lowers, int upper) {}

    @Override
    public Record save(SaveContext context) {
        int[] refs = new int[lowers.size()];
        for (int i = 0; i < refs.length; i++) {
            refs[i] = context.ref(lowers.get(i));
        }
        return new State(saveFs(context), refs, context.ref(upper));
    }

    static final Restorer<State, OverlayFilesystem> RESTORER =
            new Restorer<>() {
                @Override
                public OverlayFilesystem create(State state, RestoreContext context) {
                    return new OverlayFilesystem();
                }

                @Override
                public void link(OverlayFilesystem fs, State state, RestoreContext context) {
                    ArrayList<Filesystem> lowers = new ArrayList<>();
                    for (int ref : state.lowers) {
                        lowers.add(context.get(ref, Filesystem.class));
                    }
                    fs.lowers = List.copyOf(lowers);
                    fs.upper = context.get(state.upper, TmpfsFilesystem.class);
                    fs.restoreFs(state.fs, context);
                }
            };
}
