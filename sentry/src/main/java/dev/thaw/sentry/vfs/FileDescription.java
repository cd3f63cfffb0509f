package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENODEV;
import static dev.thaw.abi.Errno.ENOTTY;
import static dev.thaw.abi.Errno.ESPIPE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.mm.Mappable;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.Saveable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * An open file (Linux: {@code struct file}): flags, position, and the operations of its kind. Counted, because the last close is observable.
 *
 * <p>Operations never block: where one would, it returns {@code -EAGAIN}, and the system call layer waits by {@link #addWaiter} and tries again unless O_NONBLOCK is set.
 */
public abstract class FileDescription implements Saveable, AutoCloseable {
    private final AtomicLong references = new AtomicLong(1);
    private final AtomicReference<List<ReleaseListener>> releaseListeners = new AtomicReference<>(List.of());
    private volatile int statusFlags;

    protected FileDescription(int statusFlags) {
        this.statusFlags = statusFlags;
    }

    /** Open flags that fcntl(F_GETFL) shows: access mode, O_APPEND, O_NONBLOCK, … */
    public final int statusFlags() {
        return statusFlags;
    }

    public final void setStatusFlags(int flags) {
        statusFlags = flags;
    }

    /** Adds a reference; the caller closes it. */
    public final FileDescription acquire() {
        references.incrementAndGet();
        return this;
    }

    /** Drops a reference; the last one releases the file. */
    @Override
    public final void close() {
        if (references.decrementAndGet() == 0) {
            for (ReleaseListener listener : releaseListeners.getAndSet(List.of())) {
                listener.released(this);
            }
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
        return mask & 0x145; // POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM: a regular file is always ready
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
