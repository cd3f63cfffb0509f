package dev.thaw.sentry.vfs;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A tree of files (Linux: {@code struct super_block}). */
@SuppressWarnings("NullAway.Init")
public abstract class Filesystem implements Saveable {
    private static final AtomicInteger DEVICES = new AtomicInteger(20);

    /** Held by whoever moves a directory, so that the shape of the tree stands still. */
    final KernelLock renameMu = new KernelLock(LockClass.RENAME);

    private Dentry root;
    private final AtomicLong lastIno = new AtomicLong(1);
    private volatile long device = DEVICES.incrementAndGet();

    /** The type as /proc/mounts shows it. */
    public abstract String name();

    /** The root directory. */
    public final Dentry root() {
        return root;
    }

    /** Sets the root directory, once. */
    protected final void setRoot(Inode inode) {
        root = Dentry.root(this, inode);
    }

    /** Space and counts. */
    public abstract FsStat statfs() throws ErrnoException;

    /** Whether nothing can be written, whatever the mount says. */
    public boolean isReadOnly() {
        return false;
    }

    /** Mount options of its own, as /proc/mounts shows them ("size=64k"), or empty. */
    public String options() {
        return "";
    }

    /** Whether inodes are made anew on restore (procfs) and so never saved: dentries then find them again by name. */
    public boolean isRebuilt() {
        return false;
    }

    /** st_dev. */
    public final long device() {
        return device;
    }

    /** A fresh inode number. */
    public final long nextIno() {
        return lastIno.incrementAndGet();
    }

    /** Has {@link #nextIno} count from {@code first} on. */
    protected final void startInodesAt(long first) {
        lastIno.set(first);
    }

    /** What all file systems save. */
    @StateType(id = 0x0303)
    public record FsState(long device, long lastIno, int root) {}

    /** What a checkpoint keeps of the common part. */
    protected final FsState saveFs(SaveContext context) {
        return new FsState(device, lastIno.get(), context.ref(root));
    }

    /** The inverse of {@link #saveFs}, for {@code link}. A file system that {@link #isRebuilt} has set its new root before. */
    protected final void restoreFs(FsState state, RestoreContext context) {
        device = state.device;
        lastIno.set(state.lastIno);
        DEVICES.accumulateAndGet((int) state.device, Math::max);
        Dentry restored = context.get(state.root, Dentry.class);
        if (isRebuilt()) {
            Inode rebuilt = root.requireInode();
            context.afterLink(() -> restored.adopt(rebuilt));
        }
        root = restored;
    }

    /** Writes what is not yet where it belongs (sync(2)). */
    public void sync() throws ErrnoException {}

    /** The last use is gone. */
    public void release() {}
}
