package dev.thaw.sentry.vfs;

import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;

/** Root, working directory and umask (Linux: {@code struct fs_struct}), shared by CLONE_FS. */
@SuppressWarnings("NullAway.Init")
public final class FsContext implements Saveable {
    private final KernelLock mu = new KernelLock(LockClass.FS_CONTEXT);
    private MountNamespace namespace;
    private volatile Location root;
    private volatile Location cwd;
    private volatile int umask;

    public FsContext(MountNamespace namespace, Location root, Location cwd, int umask) {
        this.namespace = namespace;
        this.root = root;
        this.cwd = cwd;
        this.umask = umask;
    }

    private FsContext() {}

    /** A context at the root of {@code namespace}, umask 022. */
    public static FsContext atRoot(MountNamespace namespace) {
        Location root = namespace.rootLocation();
        return new FsContext(namespace, root, root, 0x12);
    }

    /** A copy, for a clone without CLONE_FS. */
    public FsContext fork() {
        return new FsContext(namespace, root, cwd, umask);
    }

    public MountNamespace namespace() {
        return namespace;
    }

    public Location root() {
        return root;
    }

    public void setRoot(Location location) {
        root = location;
    }

    public Location cwd() {
        return cwd;
    }

    public void setCwd(Location location) {
        cwd = location;
    }

    public int umask() {
        return umask;
    }

    /** Sets the umask and returns the old one. */
    public int setUmask(int value) {
        mu.lock();
        try {
            int old = umask;
            umask = value & 0x1ff;
            return old;
        } finally {
            mu.unlock();
        }
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0306)
    public record State(
            int namespace, int rootMount, int rootDentry, int cwdMount, int cwdDentry, int umask) {}

    @Override
    public Record save(SaveContext context) {
        return new State(
                context.ref(namespace),
                context.ref(root.mount()),
                context.ref(root.dentry()),
                context.ref(cwd.mount()),
                context.ref(cwd.dentry()),
                umask);
    }

    static final Restorer<State, FsContext> RESTORER =
            new Restorer<>() {
                @Override
                public FsContext create(State state, RestoreContext context) {
                    return new FsContext();
                }

                @Override
                public void link(FsContext fs, State s, RestoreContext context) {
                    fs.namespace = context.get(s.namespace, MountNamespace.class);
                    fs.root =
                            new Location(
                                    context.get(s.rootMount, Mount.class),
                                    context.get(s.rootDentry, Dentry.class));
                    fs.cwd =
                            new Location(
                                    context.get(s.cwdMount, Mount.class),
                                    context.get(s.cwdDentry, Dentry.class));
                    fs.umask = s.umask;
                }
            };
}
