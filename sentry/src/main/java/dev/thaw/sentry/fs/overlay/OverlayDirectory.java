package dev.thaw.sentry.fs.overlay;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.tmpfs.TmpfsDirectory;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.DirEntry;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.NewNode;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A directory merged from the layers. Its entries are what was made or met here; other names are looked up below, unless a whiteout hides them. Without layers below it is an ordinary (opaque)
 * directory in memory.
 */
final class OverlayDirectory extends TmpfsDirectory implements OverlayInode {
    private List<Inode> lowers = List.of();

    @GuardedBy("mu")
    private final HashSet<String> whiteouts = new HashSet<>(0);

    private volatile boolean changed;

    /** A directory that only {@code lowers} have so far. */
    OverlayDirectory(OverlayFilesystem fs, List<Inode> lowers) {
        super(fs, lowers.getFirst().ino(), node(lowers.getFirst()));
        this.lowers = List.copyOf(lowers);
        Inode top = lowers.getFirst();
        setNlink(top.nlink());
        setTimes(top.atime(), top.mtime(), top.ctime());
    }

    /** A new directory. */
    private OverlayDirectory(OverlayFilesystem fs, NewNode node) {
        super(fs, fs.nextIno(), node);
        changed = true;
    }

    private OverlayDirectory() {}

    private static NewNode node(Inode lower) {
        return new NewNode(lower.mode(), lower.uid(), lower.gid(), 0, null);
    }

    private OverlayFilesystem overlay() {
        return (OverlayFilesystem) fs();
    }

    @Override
    protected Inode newDirectory(NewNode node) {
        return new OverlayDirectory(overlay(), node);
    }

    @Override
    public long size() {
        return lowers.isEmpty() ? super.size() : lowers.getFirst().size();
    }

    @Override
    public long blocks() {
        return lowers.isEmpty() ? 0 : lowers.getFirst().blocks();
    }

    @Override
    public boolean remembersAbsence() {
        return !lowers.isEmpty();
    }

    @Override
    public @Nullable Inode lookup(String name) throws ErrnoException {
        Inode known = super.lookup(name);
        if (known != null || lowers.isEmpty() || isHidden(name)) {
            return known;
        }
        List<Inode> found = below(name);
        if (found.isEmpty()) {
            return null;
        }
        Inode wrapped = overlay().wrap(found);
        super.put(name, wrapped);
        return wrapped;
    }

    private boolean isHidden(String name) {
        mu.lock();
        try {
            return whiteouts.contains(name);
        } finally {
            mu.unlock();
        }
    }

    /** What the layers below have under {@code name}: one file, or directories to merge. */
    private List<Inode> below(String name) throws ErrnoException {
        ArrayList<Inode> found = new ArrayList<>(1);
        for (Inode lower : lowers) {
            Inode inode = lower.lookup(name);
            if (inode == null) {
                continue;
            }
            if (!inode.isDirectory()) {
                if (found.isEmpty()) {
                    found.add(inode);
                }
                break;
            }
            found.add(inode);
        }
        return found;
    }

    @Override
    public List<DirEntry> list(@Nullable Task task) throws ErrnoException {
        List<DirEntry> own = super.list(task);
        if (lowers.isEmpty()) {
            return own;
        }
        // The order of the layers below, whatever was met or changed since: a listing looks the
        // same after a restore.
        LinkedHashMap<String, DirEntry> known = new LinkedHashMap<>(own.size() * 2);
        for (DirEntry entry : own) {
            known.put(entry.name(), entry);
        }
        ArrayList<DirEntry> all = new ArrayList<>();
        HashSet<String> seen = new HashSet<>();
        for (Inode lower : lowers) {
            for (DirEntry entry : lower.list(task)) {
                if (!seen.add(entry.name())) {
                    continue;
                }
                DirEntry ours = known.remove(entry.name());
                if (ours != null) {
                    all.add(ours);
                } else if (!isHidden(entry.name())) {
                    all.add(entry);
                }
            }
        }
        all.addAll(known.values());
        return all;
    }

    @Override
    protected void put(String name, Inode inode) {
        changed = true;
        if (inode instanceof OverlayInode overlaid) {
            overlaid.markChanged();
        }
        super.put(name, inode);
    }

    @Override
    protected void take(String name) {
        changed = true;
        boolean hide = !lowers.isEmpty() && isBelow(name);
        super.take(name);
        if (hide) {
            mu.lock();
            try {
                whiteouts.add(name);
            } finally {
                mu.unlock();
            }
        }
    }

    private boolean isBelow(String name) {
        try {
            return !below(name).isEmpty();
        } catch (ErrnoException _) {
            return true;
        }
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
    public void markChanged() {
        changed = true;
    }

    @Override
    public boolean isClean() {
        if (changed) {
            return false;
        }
        for (Inode inode : snapshot().values()) {
            if (isKept(inode)) {
                return false;
            }
        }
        return true;
    }

    @Override
    protected boolean isKept(Inode inode) {
        return !(inode instanceof OverlayInode overlaid && overlaid.isClean());
    }

    @Override
    public void restoreChild(String name, Inode child) {
        if (!snapshot().containsKey(name)) {
            super.put(name, child);
        }
    }

    /** What a checkpoint keeps: entries that differ from the layers below, and what is hidden of those. */
    @StateType(id = 0x0361)
    public record State(
            int fs,
            dev.thaw.sentry.vfs.InodeAttributes attributes,
            List<String> names,
            int[] inodes,
            int[] lowers,
            List<String> whiteouts,
            boolean changed) {}

    @Override
    @SuppressWarnings("GuardedBy") // the kernel is paused
    public Record save(SaveContext context) {
        TmpfsDirectory.State common = saveDirectory(context);
        int[] refs = new int[lowers.size()];
        for (int i = 0; i < refs.length; i++) {
            refs[i] = context.ref(lowers.get(i));
        }
        return new State(
                common.fs(),
                common.attributes(),
                common.names(),
                common.inodes(),
                refs,
                new ArrayList<>(whiteouts),
                changed);
    }

    static final Restorer<State, OverlayDirectory> RESTORER =
            new Restorer<>() {
                @Override
                public OverlayDirectory create(State state, RestoreContext context) {
                    return new OverlayDirectory();
                }

                @Override
                public void link(OverlayDirectory directory, State state, RestoreContext context) {
                    directory.restore(state, context);
                }
            };

    private void restore(State state, RestoreContext context) {
        restoreInode(state.fs, state.attributes, context);
        for (int i = 0; i < state.inodes.length; i++) {
            super.put(state.names.get(i), context.get(state.inodes[i], Inode.class));
        }
        ArrayList<Inode> below = new ArrayList<>();
        for (int ref : state.lowers) {
            below.add(context.get(ref, Inode.class));
        }
        lowers = List.copyOf(below);
        mu.lock();
        try {
            whiteouts.addAll(state.whiteouts);
        } finally {
            mu.unlock();
        }
        changed = state.changed;
    }
}
