package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A name in a directory and the file it leads to (Linux: {@code struct dentry}). A negative dentry remembers that there is no such file.
 *
 * <p>Children are read without a lock; {@link #mu} of the parent is held to look up what is not cached (which may ask the gofer), to add and to remove. Saved are
 * only the dentries that something refers to, and their ancestors: the rest is a cache.
 */
@SuppressWarnings("NullAway.Init")
public final class Dentry implements Saveable {
    private static final int MAX_NEGATIVE = 2048;

    /** Guards the set of children. */
    final KernelLock mu = new KernelLock(LockClass.DENTRY);

    private Filesystem fs;
    private volatile @Nullable Dentry parent;
    private volatile String name;
    private volatile @Nullable Inode inode;
    private volatile boolean unresolved;
    private volatile boolean removed;
    private volatile int mountCount;
    private volatile @Nullable ConcurrentHashMap<String, Dentry> children;
    private int negatives;

    private Dentry(Filesystem fs, @Nullable Dentry parent, String name, @Nullable Inode inode) {
        this.fs = fs;
        this.parent = parent;
        this.name = name;
        this.inode = inode;
    }

    /** The root of a file system. */
    public static Dentry root(Filesystem fs, Inode inode) {
        return new Dentry(fs, null, "", inode);
    }

    /** A dentry outside every tree: a pipe, a memfd, an unnamed temporary file. */
    public static Dentry anonymous(Filesystem fs, String name, Inode inode) {
        return new Dentry(fs, null, name, inode);
    }

    public Filesystem fs() {
        return fs;
    }

    public @Nullable Dentry parent() {
        return parent;
    }

    public String name() {
        return name;
    }

    /** The file, or null for a negative dentry. After a restore it is found again by name here. */
    public @Nullable Inode inode() {
        Inode current = inode;
        if (current == null && unresolved) {
            current = resolve();
        }
        return current;
    }

    /** The file of a dentry that is known to have one. */
    public Inode requireInode() {
        Inode current = inode();
        if (current == null) {
            throw new IllegalStateException("no file behind " + name);
        }
        return current;
    }

    /** Whether the name was removed; the file may still be open. */
    public boolean isRemoved() {
        return removed;
    }

    /** Whether something is mounted here in any namespace. */
    public boolean isMountpoint() {
        return mountCount > 0;
    }

    void addMount(int delta) {
        mu.lock();
        try {
            mountCount += delta;
        } finally {
            mu.unlock();
        }
    }

    private @Nullable Inode resolve() {
        Dentry up = parent;
        if (up == null) {
            return null;
        }
        Inode directory = up.inode();
        Inode found = null;
        try {
            found = directory == null ? null : directory.lookup(name);
        } catch (ErrnoException _) {
            // What is gone since the checkpoint is a file that does not exist.
        }
        if (found == null) {
            found = new GoneInode(fs);
        }
        inode = found;
        unresolved = false;
        return found;
    }

    /** The child called {@code childName} if it exists, else null. */
    public @Nullable Dentry lookup(String childName) throws ErrnoException {
        ConcurrentHashMap<String, Dentry> map = children;
        Inode directory = requireInode();
        if (map != null && !directory.isDynamic()) {
            Dentry cached = map.get(childName);
            if (cached != null) {
                return cached.inode != null || cached.unresolved ? cached : null;
            }
        }
        mu.lock();
        try {
            return lookupLocked(childName);
        } finally {
            mu.unlock();
        }
    }

    @Nullable Dentry lookupLocked(String childName) throws ErrnoException {
        Inode directory = requireInode();
        ConcurrentHashMap<String, Dentry> map = map();
        Dentry cached = map.get(childName);
        boolean dynamic = directory.isDynamic();
        if (cached != null && !dynamic) {
            return cached.inode() != null ? cached : null;
        }
        Inode found = directory.lookup(childName);
        if (cached != null && cached.inode == found) {
            return cached;
        }
        if (cached != null) {
            cached.removed = true;
            map.remove(childName);
        }
        if (found == null) {
            if (directory.remembersAbsence() && !dynamic) {
                rememberAbsenceLocked(map, childName);
            }
            return null;
        }
        Dentry child = new Dentry(fs, this, childName, found);
        map.put(childName, child);
        return child;
    }

    /** Adds a child that a directory listing told of, unless the name is known. */
    public void fillLocked(String childName, Inode child) {
        map().putIfAbsent(childName, new Dentry(fs, this, childName, child));
    }

    private void rememberAbsenceLocked(ConcurrentHashMap<String, Dentry> map, String childName) {
        if (++negatives > MAX_NEGATIVE) {
            map.values().removeIf(d -> d.inode == null && !d.unresolved);
            negatives = 1;
        }
        map.put(childName, new Dentry(fs, this, childName, null));
    }

    /** {@code childName} is a new file now. */
    Dentry addLocked(String childName, Inode child) {
        Dentry dentry = new Dentry(fs, this, childName, child);
        map().put(childName, dentry);
        return dentry;
    }

    /** {@code child} is removed. */
    void removeLocked(Dentry child) {
        child.removed = true;
        map().remove(child.name, child);
    }

    /** {@code child} moves to {@code newParent}; both are locked. */
    void moveLocked(Dentry child, Dentry newParent, String newName) {
        map().remove(child.name, child);
        child.parent = newParent;
        child.name = newName;
        newParent.map().put(newName, child);
    }

    /** {@code child}, whose name another dentry has taken by {@link #moveLocked}, gets {@code newName} in {@code newParent}. */
    void exchangedLocked(Dentry child, Dentry newParent, String newName) {
        child.parent = newParent;
        child.name = newName;
        newParent.map().put(newName, child);
    }

    /** Whether this is {@code other} or below it. The tree's rename lock is held, or the answer may be old. */
    public boolean isWithin(Dentry other) {
        for (Dentry d = this; d != null; d = d.parent) {
            if (d == other) {
                return true;
            }
        }
        return false;
    }

    private ConcurrentHashMap<String, Dentry> map() {
        ConcurrentHashMap<String, Dentry> map = children;
        if (map == null) {
            mu.lock();
            try {
                map = children;
                if (map == null) {
                    map = new ConcurrentHashMap<>(8);
                    children = map;
                }
            } finally {
                mu.unlock();
            }
        }
        return map;
    }

    /** ENOENT if this directory was removed: nothing can be made in it. */
    void checkAliveLocked() throws ErrnoException {
        if (removed) {
            throw errno(ENOENT);
        }
    }

    /** After a restore: the root of a file system that was built anew. */
    void adopt(@Nullable Inode rebuilt) {
        inode = rebuilt;
        unresolved = false;
    }

    /** What a checkpoint keeps; {@code inode} is 0 where the file is found again by its name. */
    @StateType(id = 0x0302)
    public record State(int fs, int parent, String name, int inode, boolean removed) {}

    @Override
    public Record save(SaveContext context) {
        Inode kept = fs.isRebuilt() ? null : inode;
        return new State(context.ref(fs), context.ref(parent), name, context.ref(kept), removed);
    }

    private void restoreChild(Dentry child) {
        Inode directory = inode;
        Inode file = child.inode;
        if (directory != null && file != null) {
            directory.restoreChild(child.name, file);
        }
    }

    private Dentry(State state) {
        this.name = state.name;
        this.removed = state.removed;
    }

    static final Restorer<State, Dentry> RESTORER =
            new Restorer<>() {
                @Override
                public Dentry create(State state, RestoreContext context) {
                    return new Dentry(state);
                }

                @Override
                public void link(Dentry dentry, State state, RestoreContext context) {
                    dentry.fs = context.get(state.fs, Filesystem.class);
                    dentry.inode = context.getOrNull(state.inode, Inode.class);
                    dentry.unresolved = state.inode == 0;
                    Dentry up = context.getOrNull(state.parent, Dentry.class);
                    dentry.parent = up;
                    if (up != null && !state.removed) {
                        up.map().put(state.name, dentry);
                        context.afterLink(() -> up.restoreChild(dentry));
                    }
                }
            };
}
