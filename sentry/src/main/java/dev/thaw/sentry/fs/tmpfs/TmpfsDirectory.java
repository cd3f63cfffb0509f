package dev.thaw.sentry.fs.tmpfs;

import static dev.thaw.abi.Errno.ENOTEMPTY;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFLNK;
import static dev.thaw.abi.Fcntl.S_IFMT;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.DirEntry;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.InodeAttributes;
import dev.thaw.sentry.vfs.NewNode;
import dev.thaw.sentry.vfs.PageCache;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A directory in memory. An overlay's directories add what the layers below hold. */
public class TmpfsDirectory extends Inode {
    @GuardedBy("mu")
    private final LinkedHashMap<String, Inode> entries = new LinkedHashMap<>();

    @SuppressWarnings("this-escape")
    protected TmpfsDirectory(Filesystem fs, long ino, NewNode node) {
        super(fs, ino, node.mode(), node.uid(), node.gid());
        setNlink(2);
    }

    TmpfsDirectory(Filesystem fs, NewNode node) {
        this(fs, fs.nextIno(), node);
    }

    protected TmpfsDirectory() {}

    private MemoryStore store() {
        return (MemoryStore) fs();
    }

    @Override
    public long size() {
        mu.lock();
        try {
            return entries.size() * 20L + 40;
        } finally {
            mu.unlock();
        }
    }

    @Override
    public @Nullable Inode lookup(String name) throws ErrnoException {
        mu.lock();
        try {
            return entries.get(name);
        } finally {
            mu.unlock();
        }
    }

    /** The entries of this directory itself. */
    protected final Map<String, Inode> snapshot() {
        mu.lock();
        try {
            return new LinkedHashMap<>(entries);
        } finally {
            mu.unlock();
        }
    }

    @Override
    public List<DirEntry> list(@Nullable Task task) throws ErrnoException {
        mu.lock();
        try {
            ArrayList<DirEntry> list = new ArrayList<>(entries.size());
            for (Map.Entry<String, Inode> entry : entries.entrySet()) {
                list.add(
                        new DirEntry(
                                entry.getKey(), entry.getValue().ino(), entry.getValue().type()));
            }
            return list;
        } finally {
            mu.unlock();
        }
    }

    @Override
    public Inode create(String name, NewNode node) throws ErrnoException {
        Inode made = newInode(node);
        put(name, made);
        if (made.isDirectory()) {
            changeLinks(1);
        }
        touchModified();
        return made;
    }

    /** A file of the kind {@code node} says. */
    protected Inode newInode(NewNode node) {
        return switch (node.mode() & S_IFMT) {
            case S_IFDIR -> newDirectory(node);
            case S_IFREG ->
                    new TmpfsFile(fs(), node, new PageCache(store().memory(), store().quota()));
            case S_IFLNK -> new TmpfsSymlink(fs(), node, Objects.requireNonNull(node.target()));
            default -> new TmpfsSpecial(fs(), node);
        };
    }

    /** A directory of this file system. */
    protected Inode newDirectory(NewNode node) {
        return new TmpfsDirectory(fs(), node);
    }

    @Override
    public Inode createUnnamed(NewNode node) {
        Inode made = newInode(node);
        made.changeLinks(-1);
        return made;
    }

    @Override
    public void link(String name, Inode target) throws ErrnoException {
        put(name, target);
        target.changeLinks(1);
        touchModified();
    }

    @Override
    public void unlink(String name, Inode target) throws ErrnoException {
        take(name);
        target.changeLinks(-1);
        touchModified();
    }

    @Override
    public void rmdir(String name, Inode target) throws ErrnoException {
        checkEmpty(target);
        take(name);
        target.changeLinks(-2);
        changeLinks(-1);
        touchModified();
    }

    /** ENOTEMPTY unless directory {@code target} has no entries. */
    protected void checkEmpty(Inode target) throws ErrnoException {
        if (!target.list(null).isEmpty()) {
            throw errno(ENOTEMPTY);
        }
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
        TmpfsDirectory to = (TmpfsDirectory) newDirectory;
        if (replaced != null && !exchange && replaced.isDirectory()) {
            checkEmpty(replaced);
        }
        take(name);
        if (exchange && replaced != null) {
            put(name, replaced);
        } else if (replaced != null) {
            replaced.changeLinks(replaced.isDirectory() ? -2 : -1);
            if (replaced.isDirectory()) {
                to.changeLinks(-1);
            }
        }
        to.put(newName, moved);
        if (this != to) {
            int here = moved.isDirectory() ? -1 : 0;
            if (exchange && replaced != null && replaced.isDirectory()) {
                here++;
            }
            changeLinks(here);
            to.changeLinks(-here);
        }
        moved.changeLinks(0);
        touchModified();
        to.touchModified();
    }

    /** Adds or replaces an entry. */
    protected void put(String name, Inode inode) {
        mu.lock();
        try {
            entries.put(name, inode);
        } finally {
            mu.unlock();
        }
    }

    /** Takes an entry out. */
    protected void take(String name) {
        mu.lock();
        try {
            entries.remove(name);
        } finally {
            mu.unlock();
        }
    }

    /** What a checkpoint keeps: entry {@code names[i]} is inode {@code inodes[i]}. */
    @StateType(id = 0x0344)
    public record State(int fs, InodeAttributes attributes, List<String> names, int[] inodes) {}

    /** Whether a checkpoint must keep this entry. */
    protected boolean isKept(Inode inode) {
        return true;
    }

    /** The common part of the state. */
    protected final State saveDirectory(SaveContext context) {
        Map<String, Inode> all = snapshot();
        all.values().removeIf(inode -> !isKept(inode));
        int[] inodes = new int[all.size()];
        int i = 0;
        for (Inode inode : all.values()) {
            inodes[i++] = context.ref(inode);
        }
        return new State(
                context.ref(fs()), saveAttributes(context), new ArrayList<>(all.keySet()), inodes);
    }

    /** The inverse of {@link #saveDirectory}. */
    protected final void restoreDirectory(State state, RestoreContext context) {
        restoreInode(state.fs, state.attributes, context);
        for (int i = 0; i < state.inodes.length; i++) {
            put(state.names.get(i), context.get(state.inodes[i], Inode.class));
        }
    }

    @Override
    public Record save(SaveContext context) {
        return saveDirectory(context);
    }

    static final Restorer<State, TmpfsDirectory> RESTORER =
            new Restorer<>() {
                @Override
                public TmpfsDirectory create(State state, RestoreContext context) {
                    return new TmpfsDirectory();
                }

                @Override
                public void link(TmpfsDirectory directory, State state, RestoreContext context) {
                    directory.restoreDirectory(state, context);
                }
            };
}
