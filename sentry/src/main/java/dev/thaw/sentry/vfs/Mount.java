package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Mount.MS_RDONLY;

import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A file system (or a part of it) at a place in the tree (Linux: {@code struct mount}). */
@SuppressWarnings("NullAway.Init")
public final class Mount implements Saveable {
    private static final AtomicInteger IDS = new AtomicInteger(20);

    private final int id;
    private final String source;
    private volatile int flags;
    private Filesystem fs;
    private Dentry root;
    volatile @Nullable Mount parent;
    volatile @Nullable Dentry mountpoint;

    Mount(Filesystem fs, Dentry root, int flags, String source) {
        this.id = IDS.incrementAndGet();
        this.fs = fs;
        this.root = root;
        this.flags = flags;
        this.source = source;
    }

    private Mount(State state) {
        this.id = state.id;
        this.flags = state.flags;
        this.source = state.source;
        IDS.accumulateAndGet(state.id, Math::max);
    }

    /** The mount id of /proc/self/mountinfo. */
    public int id() {
        return id;
    }

    public Filesystem fs() {
        return fs;
    }

    /** The file that stands at the mount point: the file system's root, or for a bind mount another. */
    public Dentry root() {
        return root;
    }

    /** MS_RDONLY, MS_NOSUID, … */
    public int flags() {
        return flags;
    }

    void setFlags(int value) {
        flags = value;
    }

    /** What was mounted, as /proc/mounts shows it. */
    public String source() {
        return source;
    }

    public @Nullable Mount parent() {
        return parent;
    }

    public @Nullable Dentry mountpoint() {
        return mountpoint;
    }

    public boolean isReadOnly() {
        return (flags & MS_RDONLY) != 0 || fs.isReadOnly();
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0305)
    public record State(
            int id, int flags, String source, int fs, int root, int parent, int mountpoint) {}

    @Override
    public Record save(SaveContext context) {
        return new State(
                id,
                flags,
                source,
                context.ref(fs),
                context.ref(root),
                context.ref(parent),
                context.ref(mountpoint));
    }

    static final Restorer<State, Mount> RESTORER =
            new Restorer<>() {
                @Override
                public Mount create(State state, RestoreContext context) {
                    return new Mount(state);
                }

                @Override
                public void link(Mount mount, State state, RestoreContext context) {
                    mount.fs = context.get(state.fs, Filesystem.class);
                    mount.root = context.get(state.root, Dentry.class);
                    mount.parent = context.getOrNull(state.parent, Mount.class);
                    mount.mountpoint = context.getOrNull(state.mountpoint, Dentry.class);
                }
            };
}
