package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENODEV;
import static dev.thaw.abi.Errno.ENOTTY;
import static dev.thaw.abi.Errno.ESPIPE;
import static dev.thaw.abi.Fcntl.O_ACCMODE;
import static dev.thaw.abi.Fcntl.O_PATH;
import static dev.thaw.abi.Fcntl.O_RDONLY;
import static dev.thaw.abi.Fcntl.O_WRONLY;
import static dev.thaw.abi.Inotify.IN_CLOSE_NOWRITE;
import static dev.thaw.abi.Inotify.IN_CLOSE_WRITE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.mm.Mappable;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * An open file (Linux: {@code struct file}): flags, position, and the operations of its kind. Counted, because the last close is observable.
 *
 * <p>Operations never block: where one would, it returns {@code -EAGAIN}, and the system call layer waits by {@link #addWaiter} and tries again unless O_NONBLOCK is set.
 */
public abstract class FileDescription implements Saveable, AutoCloseable {
    /** What every description saves; {@code mount} and {@code dentry} are 0 where it has no place in the tree. */
    @StateType(id = 0x0308)
    public record FileState(int flags, int mount, int dentry) {}

    private final AtomicLong references = new AtomicLong(1);
    private final AtomicReference<List<ReleaseListener>> releaseListeners =
            new AtomicReference<>(List.of());
    private volatile int statusFlags;
    private boolean adopted;
    private volatile @Nullable Location location;
    private volatile @Nullable Inode anonymous;

    protected FileDescription(int statusFlags) {
        this.statusFlags = statusFlags;
    }

    /** For a restore. */
    protected FileDescription(FileState state) {
        this.statusFlags = state.flags;
    }

    /** When a restore links those who hold this description: each calls this once and then owns a reference. The first takes over the one that the constructor made. */
    public final FileDescription restoreReference() {
        if (adopted) {
            references.incrementAndGet();
        }
        adopted = true;
        return this;
    }

    /** Open flags that fcntl(F_GETFL) shows: access mode, O_APPEND, O_NONBLOCK, … */
    public final int statusFlags() {
        return statusFlags;
    }

    public final void setStatusFlags(int flags) {
        statusFlags = flags;
    }

    /** Changes the flags of {@code mask} to those of {@code flags} (F_SETFL, FIONBIO). */
    public void changeStatusFlags(int mask, int flags) {
        statusFlags = (statusFlags & ~mask) | (flags & mask);
    }

    /** Whether it was opened for reading. */
    public final boolean isReadable() {
        return (statusFlags & (O_ACCMODE | O_PATH)) != O_WRONLY && (statusFlags & O_PATH) == 0;
    }

    /** Whether it was opened for writing. */
    public final boolean isWritable() {
        return (statusFlags & O_ACCMODE) != O_RDONLY && (statusFlags & O_PATH) == 0;
    }

    /** Where in the tree it was opened, or null for what never had a name there (pipes, sockets, eventfd). */
    public final @Nullable Location location() {
        return location;
    }

    /** Set once, by the one who opened it. */
    public final void setLocation(Location value) {
        location = value;
    }

    /** Where it is, for /proc/self/fd: its own place, or one outside the tree. */
    public final Location locationOrAnonymous() {
        Location at = location;
        return at != null ? at : AnonymousFiles.location(this);
    }

    /** The file behind it. */
    public Inode inode() {
        Location at = location;
        if (at != null) {
            return at.inode();
        }
        Inode made = anonymous;
        if (made == null) {
            made = AnonymousFiles.inode(this);
            anonymous = made;
        }
        return made;
    }

    boolean hasInode() {
        return location != null;
    }

    /** What a link in /proc/self/fd shows of a description without a location: "pipe:[7]", "anon_inode:[eventpoll]". */
    public String description() {
        return "anon_inode:[file]";
    }

    /** The S_IFMT type and permissions that fstat shows of a description without a location. */
    public int anonymousMode() {
        return 0x180;
    }

    /** Opens what is behind a description without a location once more, by /proc/self/fd. By default that is the description itself. */
    public FileDescription reopen(@Nullable Task task, int flags) throws ErrnoException {
        return acquire();
    }

    /** What all descriptions save. */
    protected final FileState saveFile(SaveContext context) {
        Location at = location;
        return new FileState(
                statusFlags,
                at == null ? 0 : context.ref(at.mount()),
                at == null ? 0 : context.ref(at.dentry()));
    }

    /** The inverse of {@link #saveFile}, for {@code link}; the flags are the constructor's. Who holds a reference calls {@link #restoreReference}. */
    protected final void restoreFile(FileState state, RestoreContext context) {
        if (state.dentry != 0) {
            location =
                    new Location(
                            context.get(state.mount, Mount.class),
                            context.get(state.dentry, Dentry.class));
        }
    }

    /** Adds a reference; the caller closes it. */
    public final FileDescription acquire() {
        references.incrementAndGet();
        return this;
    }

    /** Adds a reference unless the last one is already gone. */
    final boolean tryAcquire() {
        while (true) {
            long current = references.get();
            if (current <= 0) {
                return false;
            }
            if (references.compareAndSet(current, current + 1)) {
                return true;
            }
        }
    }

    /** Drops a reference; the last one releases the file. */
    @Override
    public final void close() {
        if (references.decrementAndGet() == 0) {
            for (ReleaseListener listener : releaseListeners.getAndSet(List.of())) {
                listener.released(this);
            }
            FileLocks locks = hasInode() ? inode().locksIfAny() : null;
            if (locks != null) {
                locks.releaseOwner(this);
            }
            Watches.file(this, isWritable() ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
            release();
        }
    }

    /** Is told when the last reference to a file goes: an epoll instance that watches it without holding it. */
    public interface ReleaseListener {
        void released(FileDescription file);
    }

    /** Has {@code listener} told of the last close. The caller holds a reference. */
    public final void addReleaseListener(ReleaseListener listener) {
        releaseListeners.updateAndGet(
                old -> {
                    List<ReleaseListener> now = new ArrayList<>(old);
                    now.add(listener);
                    return now;
                });
    }

    /** The inverse of {@link #addReleaseListener}. */
    public final void removeReleaseListener(ReleaseListener listener) {
        releaseListeners.updateAndGet(
                old -> {
                    if (!old.contains(listener)) {
                        return old;
                    }
                    List<ReleaseListener> now = new ArrayList<>(old);
                    now.remove(listener);
                    return now;
                });
    }

    /** The last reference is gone: give back what the file holds. */
    protected void release() {}

    /** Reads at the current position and advances it. Returns bytes (0 at the end) or {@code -EAGAIN}. */
    public long read(Task task, IoBuffer target) throws ErrnoException {
        throw errno(EINVAL);
    }

    /** Writes at the current position (or the end with O_APPEND) and advances it. Returns bytes or {@code -EAGAIN}. */
    public long write(Task task, IoBuffer source) throws ErrnoException {
        throw errno(EINVAL);
    }

    /** Reads at {@code offset}; the position stays. ESPIPE where there is no position. */
    public long pread(Task task, IoBuffer target, long offset) throws ErrnoException {
        throw errno(ESPIPE);
    }

    /** Writes at {@code offset}; the position stays. */
    public long pwrite(Task task, IoBuffer source, long offset) throws ErrnoException {
        throw errno(ESPIPE);
    }

    /** lseek(2); returns the new position. */
    public long seek(Task task, long offset, int whence) throws ErrnoException {
        throw errno(ESPIPE);
    }

    /** ioctl(2). */
    public long ioctl(Task task, int command, long argument) throws ErrnoException {
        throw errno(ENOTTY);
    }

    /** What mmap(2) maps of this file; ENODEV when it can not be mapped. /dev/zero gives {@link dev.thaw.sentry.mm.ZeroMappable#INSTANCE}. */
    public Mappable mappable() throws ErrnoException {
        throw errno(ENODEV);
    }

    /** Which of {@code mask} (POLLIN, POLLOUT, …) holds now; POLLERR and POLLHUP always count. */
    public int poll(int mask) {
        return mask & 0x145; // POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM: a regular file is always
        // ready
    }

    /** Whether epoll may watch it: not regular files and directories. */
    public boolean pollable() {
        return true;
    }

    /** Has {@code waiter} woken when one of {@code mask} comes to hold. */
    public void addWaiter(Waiter waiter, int mask) {}

    /** The inverse of {@link #addWaiter}. */
    public void removeWaiter(Waiter waiter) {}
}
