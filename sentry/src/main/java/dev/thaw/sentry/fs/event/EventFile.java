package dev.thaw.sentry.fs.event;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Poll.POLLERR;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import org.jspecify.annotations.Nullable;

/** An eventfd(2): a counter that reads take from and writes add to. */
public final class EventFile extends FileDescription {
    private final KernelLock mu = new KernelLock(LockClass.FILE);
    private final WaitQueue queue = new WaitQueue();
    private final boolean semaphore;

    /** Unsigned; never 2^64 - 1. Written with {@link #mu} held. */
    private volatile long counter;

    /** A write that did not fit. Not saved: an interrupted write begins anew. */
    private record Refused(IoBuffer source, long value) {}

    private volatile @Nullable Refused refused;

    public EventFile(long counter, boolean semaphore, int flags) {
        super(O_RDWR | flags);
        this.counter = counter;
        this.semaphore = semaphore;
    }

    private EventFile(State state) {
        super(state.file);
        counter = state.counter;
        semaphore = state.semaphore;
    }

    @Override
    public String description() {
        return "anon_inode:[eventfd]";
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        if (target.remaining() < Long.BYTES) {
            throw errno(EINVAL);
        }
        long value;
        mu.lock();
        try {
            if (counter == 0) {
                return -EAGAIN;
            }
            value = semaphore ? 1 : counter;
            counter -= value;
        } finally {
            mu.unlock();
        }
        queue.notify(POLLOUT);
        return LittleEndian.putLong(target, value);
    }

    @Override
    public long write(Task task, IoBuffer source) throws ErrnoException {
        Refused before = refused;
        long value;
        if (before != null && before.source == source) {
            value = before.value; // a blocked write tries again: its bytes are taken already
        } else {
            if (source.remaining() < Long.BYTES) {
                throw errno(EINVAL);
            }
            value = LittleEndian.takeLong(source);
        }
        if (value == -1) {
            throw errno(EINVAL);
        }
        if (!add(value)) {
            refused = new Refused(source, value);
            return -EAGAIN;
        }
        refused = null;
        return Long.BYTES;
    }

    @GuardedBy("mu")
    private boolean fitsLocked(long value) {
        return Long.compareUnsigned(value, -2 - counter) <= 0;
    }

    private boolean add(long value) {
        mu.lock();
        try {
            if (!fitsLocked(value)) {
                return false;
            }
            counter += value;
        } finally {
            mu.unlock();
        }
        queue.notify(POLLIN);
        return true;
    }

    /** The counter, for {@code /proc/[pid]/fdinfo}. */
    public long counter() {
        return counter;
    }

    @Override
    public int poll(int mask) {
        long now = counter;
        int ready = 0;
        if (now != 0) {
            ready |= POLLIN;
        }
        if (now != -2) {
            ready |= POLLOUT;
        }
        return ready & (mask | POLLERR);
    }

    @Override
    public void addWaiter(Waiter waiter, int mask) {
        queue.add(waiter, mask);
    }

    @Override
    public void removeWaiter(Waiter waiter) {
        queue.remove(waiter);
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0408, version = 1)
    public record State(FileState file, long counter, boolean semaphore) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFile(context), counter, semaphore);
    }

    static final Restorer<State, EventFile> RESTORER =
            new Restorer<>() {
                @Override
                public EventFile create(State state, RestoreContext context) {
                    return new EventFile(state);
                }

                @Override
                public void link(EventFile file, State state, RestoreContext context) {}
            };
}
