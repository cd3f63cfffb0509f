package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EISDIR;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Errno.EOPNOTSUPP;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFLNK;
import static dev.thaw.abi.Fcntl.S_IFMT;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A file: its attributes and the operations of its kind (Linux: {@code struct inode}). Names live in {@link Dentry}.
 *
 * <p>The VFS checks permissions, types and names before it calls an operation here, and holds the directory's dentry lock around those that change a directory or look a name up. So an
 * implementation does the work only. Attributes are written under {@link #mu} and read without it: each is one word.
 */
@SuppressWarnings("NullAway.Init")
public abstract class Inode implements Saveable {
    /** Guards the writing of attributes. */
    protected final KernelLock mu = new KernelLock(LockClass.INODE);

    private static final VarHandle OPENS;

    static {
        try {
            OPENS = MethodHandles.lookup().findVarHandle(Inode.class, "opens", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private Filesystem fs;
    private volatile int opens;
    private volatile long ino;
    private volatile int mode;
    private volatile int nlink = 1;
    private volatile int uid;
    private volatile int gid;
    private volatile long rdev;
    private volatile long atime;
    private volatile long mtime;
    private volatile long ctime;
    private volatile long btime;
    private static final Watches.Watcher[] UNWATCHED = {};

    private volatile Watches.Watcher[] watchers = UNWATCHED;
    private volatile @Nullable FileLocks locks;
    private volatile @Nullable Saveable attachment;

    protected Inode(Filesystem fs, long ino, int mode, int uid, int gid) {
        this.fs = fs;
        this.ino = ino;
        this.mode = mode;
        this.uid = uid;
        this.gid = gid;
        long now = Timestamps.now();
        this.atime = now;
        this.mtime = now;
        this.ctime = now;
        this.btime = now;
    }

    public final Filesystem fs() {
        return fs;
    }

    public final long ino() {
        return ino;
    }

    /** Type and permissions. */
    public final int mode() {
        return mode;
    }

    /** One of S_IFREG, S_IFDIR, … */
    public final int type() {
        return mode & S_IFMT;
    }

    public final boolean isDirectory() {
        return (mode & S_IFMT) == S_IFDIR;
    }

    public final boolean isRegular() {
        return (mode & S_IFMT) == S_IFREG;
    }

    public final boolean isSymlink() {
        return (mode & S_IFMT) == S_IFLNK;
    }

    public final int nlink() {
        return nlink;
    }

    public final int uid() {
        return uid;
    }

    public final int gid() {
        return gid;
    }

    public final long rdev() {
        return rdev;
    }

    public final long atime() {
        return atime;
    }

    public final long mtime() {
        return mtime;
    }

    public final long ctime() {
        return ctime;
    }

    /** Bytes, as st_size shows them. */
    public long size() {
        return 0;
    }

    /** 512-byte blocks that are really held. */
    public long blocks() {
        return 0;
    }

    /** Everything stat(2) shows. */
    public FileStat stat() throws ErrnoException {
        return new FileStat(
                fs.device(),
                ino,
                mode,
                nlink,
                uid,
                gid,
                rdev,
                size(),
                4096,
                blocks(),
                atime,
                mtime,
                ctime,
                btime);
    }

    protected final void setIno(long value) {
        ino = value;
    }

    protected final void setMode(int value) {
        mode = value;
    }

    protected final void setOwner(int newUid, int newGid) {
        uid = newUid;
        gid = newGid;
    }

    protected final void setNlink(int value) {
        nlink = value;
    }

    protected final void setRdev(long value) {
        rdev = value;
    }

    protected final void setTimes(long newAtime, long newMtime, long newCtime) {
        if (newAtime != Timestamps.OMIT) {
            atime = newAtime;
        }
        if (newMtime != Timestamps.OMIT) {
            mtime = newMtime;
        }
        if (newCtime != Timestamps.OMIT) {
            ctime = newCtime;
        }
    }

    /** Adds to the link count, for the directory that holds the name. */
    public final void changeLinks(int delta) {
        mu.lock();
        try {
            nlink += delta;
            ctime = Timestamps.now();
        } finally {
            mu.unlock();
        }
    }

    /** Stamps a change of content. */
    protected final void touchModified() {
        long now = Timestamps.now();
        mtime = now;
        ctime = now;
    }

    /** Stamps a read. As with relatime: only when the last read is older than the last write, or than a day. */
    public void touchAccessed() {
        long last = atime;
        if (last <= mtime || last <= ctime) {
            atime = Timestamps.now();
        }
    }

    /** For a restore: an inode whose attributes and file system come with {@link #restoreInode}. */
    protected Inode() {}

    /** Sets what the constructor did not. */
    protected final void restoreInode(
            int filesystem, InodeAttributes attributes, RestoreContext context) {
        fs = context.get(filesystem, Filesystem.class);
        locks = context.getOrNull(attributes.locks(), FileLocks.class);
        attachment = context.getOrNull(attributes.attachment(), Saveable.class);
        restoreAttributes(attributes);
    }

    /** What all kinds of inode save. */
    protected final InodeAttributes saveAttributes(SaveContext context) {
        return new InodeAttributes(
                ino,
                mode,
                nlink,
                uid,
                gid,
                rdev,
                atime,
                mtime,
                ctime,
                btime,
                context.ref(locks),
                context.ref(attachment));
    }

    private void restoreAttributes(InodeAttributes a) {
        ino = a.ino();
        mode = a.mode();
        nlink = a.nlink();
        uid = a.uid();
        gid = a.gid();
        rdev = a.rdev();
        atime = a.atime();
        mtime = a.mtime();
        ctime = a.ctime();
        btime = a.btime();
    }

    // Attribute changes. Permission was checked.

    /** Sets the permission bits (07777). */
    public void chmod(int permissions) throws ErrnoException {
        mu.lock();
        try {
            mode = (mode & S_IFMT) | (permissions & 0xfff);
            ctime = Timestamps.now();
        } finally {
            mu.unlock();
        }
    }

    /** Sets the owner; -1 leaves one as it is. */
    public void chown(int newUid, int newGid) throws ErrnoException {
        mu.lock();
        try {
            if (newUid != -1) {
                uid = newUid;
            }
            if (newGid != -1) {
                gid = newGid;
            }
            ctime = Timestamps.now();
        } finally {
            mu.unlock();
        }
    }

    /** Sets access and modification time; {@link Timestamps#OMIT} leaves one as it is. */
    public void utimes(long newAtime, long newMtime) throws ErrnoException {
        mu.lock();
        try {
            setTimes(newAtime, newMtime, Timestamps.now());
        } finally {
            mu.unlock();
        }
    }

    /** Sets the size. */
    public void truncate(long size) throws ErrnoException {
        throw errno(isDirectory() ? EISDIR : EINVAL);
    }

    /** fallocate(2) with the mode given. */
    public void allocate(int flags, long offset, long length) throws ErrnoException {
        throw errno(EOPNOTSUPP);
    }

    /** fsync(2). */
    public void sync(boolean dataOnly) throws ErrnoException {}

    // Directory operations.

    /** The file called {@code name}, or null. */
    public @Nullable Inode lookup(String name) throws ErrnoException {
        throw errno(ENOTDIR);
    }

    /** Whether {@link #lookup} must be asked each time (procfs), as names come and go by themselves. */
    public boolean isDynamic() {
        return false;
    }

    /** Whether the absence of a name may be remembered: it changes only through this VFS. */
    public boolean remembersAbsence() {
        return false;
    }

    /** After a restore: {@code child}, which something refers to, is this directory's {@code name}. A directory that keeps its files by other means has nothing to do. */
    public void restoreChild(String name, Inode child) {}

    /** Makes a file that does not exist yet. */
    public Inode create(String name, NewNode node) throws ErrnoException {
        throw errno(isDirectory() ? EPERM : ENOTDIR);
    }

    /** Makes a regular file without a name (O_TMPFILE). */
    public Inode createUnnamed(NewNode node) throws ErrnoException {
        throw errno(EOPNOTSUPP);
    }

    /** Gives {@code target} another name here. */
    public void link(String name, Inode target) throws ErrnoException {
        throw errno(EPERM);
    }

    /** Removes a name that is no directory. */
    public void unlink(String name, Inode target) throws ErrnoException {
        throw errno(EPERM);
    }

    /** Removes an empty directory; ENOTEMPTY. */
    public void rmdir(String name, Inode target) throws ErrnoException {
        throw errno(EPERM);
    }

    /** Moves {@code moved} to {@code newDirectory}, over {@code replaced} if there is one; both names change places when {@code exchange}. */
    public void rename(
            String name,
            Inode moved,
            Inode newDirectory,
            String newName,
            @Nullable Inode replaced,
            boolean exchange)
            throws ErrnoException {
        throw errno(EPERM);
    }

    /** All names without "." and "..", in a stable order. */
    public List<DirEntry> list(@Nullable Task task) throws ErrnoException {
        throw errno(ENOTDIR);
    }

    // Links.

    /** A symbolic link's target; {@code task} is who asks, if it is a guest. */
    public String readLink(@Nullable Task task) throws ErrnoException {
        throw errno(EINVAL);
    }

    /** Where a link leads that is no text but a reference (/proc/self/fd/3), or null for an ordinary one. */
    public @Nullable Location followLink(@Nullable Task task) throws ErrnoException {
        return null;
    }

    /**
     * Opens the file. Permission was checked, O_CREAT, O_EXCL and O_NOFOLLOW are done; O_TRUNC is done afterwards by the VFS. {@code task} is null when the Sentry itself opens.
     */
    public FileDescription open(@Nullable Task task, Location location, int flags)
            throws ErrnoException {
        return switch (type()) {
            case S_IFDIR -> new DirectoryDescription(this, flags);
            case S_IFLNK -> throw errno(dev.thaw.abi.Errno.ELOOP);
            case S_IFREG -> throw errno(EACCES);
            default -> SpecialFiles.open(task, this, flags);
        };
    }

    /** A description of this file was made. */
    public final void opened() {
        OPENS.getAndAdd(this, 1);
    }

    /** The inverse of {@link #opened}: the description's last reference is gone. */
    public final void released() {
        if ((int) OPENS.getAndAdd(this, -1) == 1) {
            forgotten();
        }
    }

    /** Whether a description of this file is open. */
    public final boolean isOpen() {
        return opens > 0;
    }

    /** A name of this file was removed, or its last open description closed: content that nobody can reach may go. */
    protected void forgotten() {}

    /** POSIX and flock locks on this file. */
    public final FileLocks locks() {
        FileLocks current = locks;
        if (current == null) {
            mu.lock();
            try {
                current = locks;
                if (current == null) {
                    current = new FileLocks();
                    locks = current;
                }
            } finally {
                mu.unlock();
            }
        }
        return current;
    }

    /** The locks, if any were ever taken. */
    public final @Nullable FileLocks locksIfAny() {
        return locks;
    }

    /** Has {@code watcher} told what happens to this file. */
    public final void addWatcher(Watches.Watcher watcher) {
        mu.lock();
        try {
            Watches.Watcher[] next = Arrays.copyOf(watchers, watchers.length + 1);
            next[watchers.length] = watcher;
            watchers = next;
        } finally {
            mu.unlock();
        }
        Watches.count(1);
    }

    /** The inverse of {@link #addWatcher}. */
    public final void removeWatcher(Watches.Watcher watcher) {
        mu.lock();
        try {
            int at = Arrays.asList(watchers).indexOf(watcher);
            if (at < 0) {
                return;
            }
            Watches.Watcher[] next = Arrays.copyOf(watchers, watchers.length - 1);
            System.arraycopy(watchers, at + 1, next, at, next.length - at);
            watchers = next;
        } finally {
            mu.unlock();
        }
        Watches.count(-1);
    }

    final void tellWatchers(int mask, int cookie, String name) {
        for (Watches.Watcher watcher : watchers) {
            watcher.happened(mask, cookie, name);
        }
    }

    /** The kernel object behind a special file: a FIFO's pipe, a socket's endpoint. */
    public final @Nullable Saveable attachment() {
        return attachment;
    }

    public final void setAttachment(@Nullable Saveable value) {
        attachment = value;
    }

    /** The attachment, made by {@code factory} if there is none yet. */
    public final Saveable attachmentOr(java.util.function.Supplier<? extends Saveable> factory) {
        mu.lock();
        try {
            Saveable current = attachment;
            if (current == null) {
                current = factory.get();
                attachment = current;
            }
            return current;
        } finally {
            mu.unlock();
        }
    }
}
