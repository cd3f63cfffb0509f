package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A tree of mounts (Linux: {@code struct mnt_namespace}). */
@SuppressWarnings("NullAway.Init")
public final class MountNamespace implements Saveable {
    private record Place(Mount mount, Dentry dentry) {}

    private final KernelLock mu = new KernelLock(LockClass.MOUNT);
    private final ConcurrentHashMap<Place, Mount> byPlace = new ConcurrentHashMap<>();
    private final CopyOnWriteArrayList<Mount> mounts = new CopyOnWriteArrayList<>();
    private Mount root;

    /** A namespace with {@code root} mounted at "/". */
    public MountNamespace(Filesystem root, int msFlags) {
        this.root = new Mount(root, root.root(), msFlags, root.name());
        mounts.add(this.root);
    }

    private MountNamespace() {}

    public Mount root() {
        return root;
    }

    public Location rootLocation() {
        Location location = new Location(root, root.root());
        while (location.dentry().isMountpoint()) {
            Mount over = mountedAt(location.mount(), location.dentry());
            if (over == null) {
                break;
            }
            location = new Location(over, over.root());
        }
        return location;
    }

    /** All mounts in the order they were made. */
    public List<Mount> mounts() {
        return mounts;
    }

    /** The mount that covers {@code dentry} of {@code mount}, or null. */
    @Nullable Mount mountedAt(Mount mount, Dentry dentry) {
        return byPlace.get(new Place(mount, dentry));
    }

    /**
     * Mounts {@code fs} at absolute {@code path}; directories on the way that do not exist are made where the file system below can be written to (runc does so too).
     */
    public void mount(String path, Filesystem fs, int msFlags, String source)
            throws ErrnoException {
        FsContext context = FsContext.atRoot(this);
        boolean directory = fs.root().requireInode().isDirectory();
        Location at;
        try {
            at =
                    new PathWalk(null, Credentials.root(), context)
                            .resolve(context.root(), path, true);
        } catch (ErrnoException e) {
            if (e.errno() != ENOENT) {
                throw e;
            }
            at = makePath(context, path, directory);
        }
        mountAt(at, fs, fs.root(), msFlags, source);
    }

    private Location makePath(FsContext context, String path, boolean directory)
            throws ErrnoException {
        NameOperations names = new NameOperations(null, Credentials.root(), context);
        PathWalk walk = new PathWalk(null, Credentials.root(), context);
        for (int end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) {
            makeIfMissing(names, walk, context, path.substring(0, end), S_IFDIR | 0x1ed);
        }
        makeIfMissing(names, walk, context, path, directory ? S_IFDIR | 0x1ed : S_IFREG | 0x1a4);
        return walk.resolve(context.root(), path, true);
    }

    private static void makeIfMissing(
            NameOperations names, PathWalk walk, FsContext context, String path, int mode)
            throws ErrnoException {
        try {
            walk.resolve(context.root(), path, true);
        } catch (ErrnoException e) {
            if (e.errno() != ENOENT) {
                throw e;
            }
            names.makeNode(context.root(), path, mode, 0);
        }
    }

    /** Mounts {@code fs} from its {@code root} on over {@code at}. */
    public Mount mountAt(Location at, Filesystem fs, Dentry rootDentry, int msFlags, String source)
            throws ErrnoException {
        if (rootDentry.requireInode().isDirectory() != at.inode().isDirectory()) {
            throw errno(ENOTDIR);
        }
        Mount mount = new Mount(fs, rootDentry, msFlags, source);
        mu.lock();
        try {
            mount.parent = at.mount();
            mount.mountpoint = at.dentry();
            at.dentry().addMount(1);
            byPlace.put(new Place(at.mount(), at.dentry()), mount);
            mounts.add(mount);
        } finally {
            mu.unlock();
        }
        return mount;
    }

    /** A mount of {@code fs} that is nowhere in the tree, for files without a name. */
    public Mount unattached(Filesystem fs) {
        return new Mount(fs, fs.root(), 0, fs.name());
    }

    /** Takes the topmost mount at {@code location} (its root) out of the tree, with what is mounted below it. */
    public void unmount(Location location) throws ErrnoException {
        Mount mount = location.mount();
        if (location.dentry() != mount.root() || mount.parent == null) {
            throw errno(EINVAL);
        }
        mu.lock();
        try {
            detachLocked(mount);
        } finally {
            mu.unlock();
        }
    }

    private void detachLocked(Mount mount) {
        for (Mount child : mounts) {
            if (child.parent == mount && child != mount) {
                detachLocked(child);
            }
        }
        Mount parent = mount.parent;
        Dentry at = mount.mountpoint;
        if (parent != null && at != null) {
            byPlace.remove(new Place(parent, at), mount);
            at.addMount(-1);
        }
        mounts.remove(mount);
    }

    /** Sets a mount's flags (MS_REMOUNT). */
    public void remount(Mount mount, int msFlags) {
        mount.setFlags(msFlags);
    }

    /** Opens a file by path, as open(2) with {@code who} and {@code context} would. */
    public FileDescription open(
            Credentials who, FsContext context, String path, int flags, int mode)
            throws ErrnoException {
        return new FileOpener(null, who, context).open(context.cwd(), path, flags, mode);
    }

    /** The path of {@code location} as seen from {@code root}; "(unreachable)" in front when it is outside. */
    public static String pathOf(Location location, Location root) {
        StringBuilder path = new StringBuilder();
        Mount mount = location.mount();
        Dentry dentry = location.dentry();
        boolean deleted = dentry.isRemoved();
        while (!(mount == root.mount() && dentry == root.dentry())) {
            Dentry up = dentry.parent();
            if (dentry == mount.root() || up == null) {
                Mount parent = mount.parent;
                Dentry at = mount.mountpoint;
                if (parent == null || at == null) {
                    if (up == null && !dentry.name().isEmpty()) {
                        path.insert(0, dentry.name());
                        return deleted ? path + " (deleted)" : path.toString();
                    }
                    if (dentry != mount.root()) {
                        path.insert(0, "(unreachable)");
                    }
                    break;
                }
                mount = parent;
                dentry = at;
                continue;
            }
            path.insert(0, dentry.name()).insert(0, '/');
            dentry = up;
        }
        if (path.isEmpty()) {
            path.append('/');
        }
        return deleted ? path.append(" (deleted)").toString() : path.toString();
    }

    /** What a checkpoint keeps: the mounts in order, the root first. */
    @StateType(id = 0x0307)
    public record State(List<Integer> mounts) {}

    @Override
    public Record save(SaveContext context) {
        ArrayList<Integer> refs = new ArrayList<>();
        for (Mount mount : mounts) {
            refs.add(context.ref(mount));
        }
        return new State(refs);
    }

    static final Restorer<State, MountNamespace> RESTORER =
            new Restorer<>() {
                @Override
                public MountNamespace create(State state, RestoreContext context) {
                    return new MountNamespace();
                }

                @Override
                public void link(MountNamespace namespace, State state, RestoreContext context) {
                    for (int ref : state.mounts) {
                        namespace.mounts.add(context.get(ref, Mount.class));
                    }
                    namespace.root = namespace.mounts.getFirst();
                    context.afterLink(namespace::relink);
                }
            };

    private void relink() {
        for (Mount mount : mounts) {
            Mount parent = mount.parent;
            Dentry at = mount.mountpoint;
            if (parent != null && at != null) {
                at.addMount(1);
                byPlace.put(new Place(parent, at), mount);
            }
        }
    }
}
