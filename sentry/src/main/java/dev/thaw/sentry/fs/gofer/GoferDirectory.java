package dev.thaw.sentry.fs.gofer;

import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Fcntl.AT_REMOVEDIR;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Fcntl.RENAME_EXCHANGE;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFLNK;
import static dev.thaw.abi.Fcntl.S_IFMT;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.gofer.GoferProtocol.SET_MODE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.gofer.DirectoryEntry;
import dev.thaw.gofer.GoferClient;
import dev.thaw.host.HostStat;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.DirEntry;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.InodeAttributes;
import dev.thaw.sentry.vfs.NewNode;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A directory of the host. In a read-only tree a listing is kept, and is fetched whole after a few single look-ups, since who looks for some names usually looks for many (a module search
 * path, say): after that, presence and absence are known without a round trip.
 */
@SuppressWarnings("NullAway.Init")
final class GoferDirectory extends Inode {
    private static final int LOOKUPS_BEFORE_LISTING = 3;

    private GoferName at;

    /** Files met so far. */
    private final ConcurrentHashMap<String, Inode> children = new ConcurrentHashMap<>(4);

    private volatile @Nullable List<DirectoryEntry> listing;
    private volatile @Nullable ConcurrentHashMap<String, HostStat> listed;
    private volatile int lookups;
    private volatile long bytes = 4096;

    GoferDirectory(GoferFilesystem fs, GoferName at, HostStat stat) {
        super(fs, stat.ino, stat.mode, stat.uid, stat.gid);
        this.at = at;
        this.bytes = stat.size;
        setNlink(stat.nlink);
        setTimes(stat.atime, stat.mtime, stat.ctime);
    }

    private GoferDirectory() {}

    GoferName at() {
        return at;
    }

    private GoferFilesystem goferFs() {
        return (GoferFilesystem) fs();
    }

    private GoferClient client() {
        return goferFs().client();
    }

    private String path(String name) {
        String here = at.path();
        return here.isEmpty() ? name : here + "/" + name;
    }

    @Override
    public long size() {
        return bytes;
    }

    @Override
    public long blocks() {
        return (bytes + 511) >>> 9;
    }

    @Override
    public boolean isDynamic() {
        return !fs().isReadOnly();
    }

    @Override
    public boolean remembersAbsence() {
        return fs().isReadOnly();
    }

    @Override
    public @Nullable Inode lookup(String name) throws ErrnoException {
        boolean fixed = fs().isReadOnly();
        if (fixed) {
            Inode known = children.get(name);
            if (known != null) {
                return known;
            }
            if (listed == null && ++lookups > LOOKUPS_BEFORE_LISTING) {
                fetch();
            }
            ConcurrentHashMap<String, HostStat> all = listed;
            if (all != null) {
                HostStat stat = all.get(name);
                return stat == null ? null : child(name, stat);
            }
        }
        HostStat[] out = new HostStat[1];
        int count = client().walk(goferFs().handle(), at.path(), new String[] {name}, out);
        if (count == -ENOENT || count == 0) {
            children.remove(name);
            return null;
        }
        if (count < 0) {
            throw errno(-count);
        }
        return child(name, out[0]);
    }

    private Inode child(String name, HostStat stat) {
        Inode known = children.get(name);
        if (known != null && known.ino() == stat.ino && known.type() == stat.type()) {
            if (known instanceof GoferFile file) {
                file.refresh(stat);
            } else if (known instanceof GoferDirectory directory) {
                directory.refresh(stat);
            }
            return known;
        }
        Inode made = goferFs().newInode(this, name, stat);
        children.put(name, made);
        return made;
    }

    private void refresh(HostStat stat) {
        bytes = stat.size;
        setMode(stat.mode);
        setOwner(stat.uid, stat.gid);
        setNlink(stat.nlink);
        setTimes(stat.atime, stat.mtime, stat.ctime);
    }

    private List<DirectoryEntry> fetch() throws ErrnoException {
        ArrayList<DirectoryEntry> entries = new ArrayList<>();
        int result = client().readdir(goferFs().handle(), at.path(), entries);
        if (result < 0) {
            throw errno(-result);
        }
        if (fs().isReadOnly()) {
            ConcurrentHashMap<String, HostStat> all = new ConcurrentHashMap<>(entries.size() * 2);
            for (DirectoryEntry entry : entries) {
                all.put(entry.name(), entry.attributes());
            }
            listing = entries;
            listed = all;
        }
        return entries;
    }

    @Override
    public List<DirEntry> list(@Nullable Task task) throws ErrnoException {
        List<DirectoryEntry> entries = listing;
        if (entries == null) {
            entries = fetch();
        }
        ArrayList<DirEntry> list = new ArrayList<>(entries.size());
        for (DirectoryEntry entry : entries) {
            list.add(new DirEntry(entry.name(), entry.attributes().ino, entry.attributes().type()));
        }
        return list;
    }

    @Override
    public Inode create(String name, NewNode node) throws ErrnoException {
        GoferFilesystem fs = goferFs();
        String path = path(name);
        HostStat stat = new HostStat();
        int permissions = node.mode() & 0xfff;
        int fd = -1;
        int result =
                switch (node.mode() & S_IFMT) {
                    case S_IFREG -> {
                        fd =
                                client().create(
                                                fs.handle(),
                                                path,
                                                O_RDWR,
                                                permissions,
                                                node.uid(),
                                                node.gid(),
                                                stat);
                        yield fd;
                    }
                    case S_IFDIR ->
                            client().mkdir(
                                            fs.handle(),
                                            path,
                                            permissions,
                                            node.uid(),
                                            node.gid(),
                                            stat);
                    case S_IFLNK -> {
                        String target = Objects.requireNonNull(node.target());
                        yield client().symlink(
                                        fs.handle(), path, target, node.uid(), node.gid(), stat);
                    }
                    default ->
                            client().mknod(
                                            fs.handle(),
                                            path,
                                            node.mode(),
                                            node.uid(),
                                            node.gid(),
                                            stat);
                };
        if (result < 0) {
            throw errno(-result);
        }
        Inode made = fs.newInode(this, name, stat);
        children.put(name, made);
        if (made instanceof GoferFile file && fd >= 0) {
            file.adoptFd(fd);
        }
        return made;
    }

    @Override
    public void link(String name, Inode target) throws ErrnoException {
        GoferName from = nameOf(target);
        check(client().link(goferFs().handle(), from.path(), goferFs().handle(), path(name)));
        target.changeLinks(1);
    }

    private static GoferName nameOf(Inode inode) throws ErrnoException {
        return switch (inode) {
            case GoferFile file -> file.at();
            case GoferDirectory directory -> directory.at();
            case GoferSymlink link -> link.at();
            case GoferSpecial node -> node.at();
            default -> throw errno(EPERM);
        };
    }

    private static void check(int result) throws ErrnoException {
        if (result < 0) {
            throw errno(-result);
        }
    }

    @Override
    public void unlink(String name, Inode target) throws ErrnoException {
        if (target instanceof GoferFile file && file.isOpen()) {
            file.keepOpen();
        }
        check(client().unlink(goferFs().handle(), path(name), 0));
        children.remove(name);
        target.changeLinks(-1);
    }

    @Override
    public void rmdir(String name, Inode target) throws ErrnoException {
        check(client().unlink(goferFs().handle(), path(name), AT_REMOVEDIR));
        children.remove(name);
    }

    @Override
    public void rename(
            String name,
            Inode moved,
            Inode newDirectory,
            String newName,
            @Nullable Inode replaced,
            boolean exchange)
            throws ErrnoException {
        GoferDirectory to = (GoferDirectory) newDirectory;
        if (replaced instanceof GoferFile file && file.isOpen()) {
            file.keepOpen();
        }
        int handle = goferFs().handle();
        check(
                client().rename(
                                handle,
                                path(name),
                                handle,
                                to.path(newName),
                                exchange ? RENAME_EXCHANGE : 0));
        children.remove(name);
        to.children.put(newName, moved);
        nameOf(moved).set(to, newName);
        if (replaced != null && exchange) {
            children.put(name, replaced);
            nameOf(replaced).set(this, name);
        } else if (replaced != null && !replaced.isDirectory()) {
            replaced.changeLinks(-1);
        }
    }

    @Override
    public void chmod(int permissions) throws ErrnoException {
        refresh(GoferNames.setattr(goferFs(), at, SET_MODE, permissions & 0xfff, 0, 0, 0, 0));
    }

    @Override
    public void chown(int uid, int gid) throws ErrnoException {
        refresh(
                GoferNames.setattr(
                        goferFs(), at, GoferNames.ownerMask(uid, gid), 0, uid, gid, 0, 0));
    }

    @Override
    public void utimes(long atime, long mtime) throws ErrnoException {
        refresh(
                GoferNames.setattr(
                        goferFs(), at, GoferNames.timeMask(atime, mtime), 0, 0, 0, atime, mtime));
    }

    @Override
    public void touchAccessed() {}

    @Override
    public void sync(boolean dataOnly) throws ErrnoException {
        if (!fs().isReadOnly()) {
            check(client().fsync(goferFs().handle(), at.path()));
        }
    }

    @Override
    public void restoreChild(String name, Inode child) {
        children.putIfAbsent(name, child);
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0381)
    public record State(int fs, InodeAttributes attributes, int parent, String name) {}

    @Override
    public Record save(SaveContext context) {
        return new State(
                context.ref(fs()), saveAttributes(context), context.ref(at.parent()), at.name());
    }

    static final Restorer<State, GoferDirectory> RESTORER =
            new Restorer<>() {
                @Override
                public GoferDirectory create(State state, RestoreContext context) {
                    return new GoferDirectory();
                }

                @Override
                public void link(GoferDirectory directory, State state, RestoreContext context) {
                    directory.restoreInode(state.fs, state.attributes, context);
                    directory.at = GoferNames.restore(directory, state.parent, state.name, context);
                }
            };
}
