package dev.thaw.sentry.fs.pipe;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EBUSY;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.EPIPE;
import static dev.thaw.abi.Poll.POLLERR;
import static dev.thaw.abi.Poll.POLLHUP;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.abi.Poll.POLLRDNORM;
import static dev.thaw.abi.Poll.POLLWRNORM;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;
import java.lang.foreign.MemorySegment;

/**
 * The buffer between the ends of a pipe or FIFO (Linux: {@code struct pipe_inode_info}): a ring of bytes, made at the first write and grown up to the capacity.
 *
 * <p>As in Linux, bytes are copied from and to guest memory with the pipe's lock held (so a write of up to {@link #PIPE_BUF} bytes is atomic); the lock stands before all of memory management.
 * A pipe is ready for writing when a page of room is left, which is when Linux has a free slot.
 */
public final class Pipe implements Saveable {
    /** Writes of up to this many bytes are atomic. */
    public static final int PIPE_BUF = 4096;

    /** The capacity of a new pipe. */
    public static final int DEFAULT_CAPACITY = 16 * PIPE_BUF;

    /** What {@code /proc/sys/fs/pipe-max-size} says: the most that an unprivileged program may ask for. */
    public static final int MAX_CAPACITY = 1 << 20;

    private static final byte[] EMPTY = {};

    private final KernelLock mu = new KernelLock(LockClass.PIPE);
    private final WaitQueue queue = new WaitQueue();

    @GuardedBy("mu")
    private byte[] ring = EMPTY; // length is 0 or a power of two

    @GuardedBy("mu")
    private MemorySegment segment = MemorySegment.ofArray(EMPTY);

    @GuardedBy("mu")
    private int head;

    // The rest is written with mu held, and read without it where a glance is enough (poll).
    private volatile int count;
    private volatile int capacity = DEFAULT_CAPACITY;
    private volatile int readers;
    private volatile int writers;

    /** How many write ends were ever opened: a FIFO that never had one does not hang up. */
    private volatile int writersEver;

    private volatile int readersEver;

    /** Reads at most {@code target.remaining()} bytes: 0 at the end (no writers left), {@code -EAGAIN} when empty. */
    long read(IoBuffer target) throws ErrnoException {
        long wanted = target.remaining();
        if (wanted == 0) {
            return 0;
        }
        int done;
        boolean room;
        mu.lock();
        try {
            int available = count;
            if (available == 0) {
                return writers == 0 ? 0 : -EAGAIN;
            }
            int length = (int) Math.min(wanted, available);
            done = copyOutLocked(target, length);
            head = head + done & ring.length - 1;
            count = available - done;
            if (count == 0) {
                head = 0;
            }
            room = capacity - count >= PIPE_BUF;
        } finally {
            mu.unlock();
        }
        if (room) {
            queue.notify(POLLOUT | POLLWRNORM);
        }
        return done;
    }

    /** Writes what fits, all or nothing up to {@link #PIPE_BUF} bytes; {@code -EAGAIN} when nothing can be written, {@code -EPIPE} without readers. */
    long write(IoBuffer source) throws ErrnoException {
        long wanted = source.remaining();
        if (wanted == 0) {
            return 0;
        }
        int done;
        mu.lock();
        try {
            if (readers == 0) {
                return -EPIPE;
            }
            int room = capacity - count;
            if (room <= 0 || (wanted <= PIPE_BUF && room < wanted)) {
                return -EAGAIN;
            }
            int length = (int) Math.min(wanted, room);
            growLocked(count + length);
            done = copyInLocked(source, length);
            count += done;
        } finally {
            mu.unlock();
        }
        queue.notify(POLLIN | POLLRDNORM);
        return done;
    }

    @GuardedBy("mu")
    private int copyOutLocked(IoBuffer target, int length) throws ErrnoException {
        int first = Math.min(length, ring.length - head);
        int done = (int) target.put(segment, head, first);
        if (done == first && length > first) {
            try {
                done += (int) target.put(segment, 0, length - first);
            } catch (ErrnoException e) {
                return done; // what was copied before the fault counts
            }
        }
        return done;
    }

    @GuardedBy("mu")
    private int copyInLocked(IoBuffer source, int length) throws ErrnoException {
        int tail = head + count & ring.length - 1;
        int first = Math.min(length, ring.length - tail);
        int done = (int) source.take(segment, tail, first);
        if (done == first && length > first) {
            try {
                done += (int) source.take(segment, 0, length - first);
            } catch (ErrnoException e) {
                return done;
            }
        }
        return done;
    }

    @GuardedBy("mu")
    private void growLocked(int needed) {
        if (needed <= ring.length) {
            return;
        }
        int size = Math.max(1024, ring.length);
        while (size < needed) {
            size *= 2;
        }
        setRingLocked(contentLocked(size));
    }

    @GuardedBy("mu")
    private byte[] contentLocked(int size) {
        byte[] bytes = new byte[size];
        int first = Math.min(count, ring.length - head);
        System.arraycopy(ring, head, bytes, 0, first);
        System.arraycopy(ring, 0, bytes, first, count - first);
        return bytes;
    }

    @GuardedBy("mu")
    private void setRingLocked(byte[] bytes) {
        ring = bytes;
        segment = MemorySegment.ofArray(bytes);
        head = 0;
    }

    /** Copies up to {@code target.length} bytes from the front without taking them: what splice(2) and tee(2) move. */
    int peek(byte[] target) {
        mu.lock();
        try {
            int length = Math.min(target.length, count);
            int first = Math.min(length, ring.length - head);
            System.arraycopy(ring, head, target, 0, first);
            System.arraycopy(ring, 0, target, first, length - first);
            return length;
        } finally {
            mu.unlock();
        }
    }

    /** Adds bytes even past the capacity (room was there a moment ago); {@code -EPIPE} without readers. */
    long append(byte[] bytes, int length) {
        mu.lock();
        try {
            if (readers == 0) {
                return -EPIPE;
            }
            growLocked(count + length);
            int tail = head + count & ring.length - 1;
            int first = Math.min(length, ring.length - tail);
            System.arraycopy(bytes, 0, ring, tail, first);
            System.arraycopy(bytes, first, ring, 0, length - first);
            count += length;
        } finally {
            mu.unlock();
        }
        queue.notify(POLLIN | POLLRDNORM);
        return length;
    }

    /** Puts bytes that were read, but could not be passed on, back to the front. */
    void pushBack(byte[] bytes, int offset, int length) {
        mu.lock();
        try {
            growLocked(count + length);
            int first = head - length & ring.length - 1;
            int untilEnd = Math.min(length, ring.length - first);
            System.arraycopy(bytes, offset, ring, first, untilEnd);
            System.arraycopy(bytes, offset + untilEnd, ring, 0, length - untilEnd);
            head = first;
            count += length;
        } finally {
            mu.unlock();
        }
        queue.notify(POLLIN | POLLRDNORM);
    }

    /** Bytes that a write could add now. */
    int room() {
        return Math.max(0, capacity - count);
    }

    /** Bytes to be read. */
    int available() {
        return count;
    }

    boolean hasReaders() {
        return readers > 0;
    }

    boolean hasWriters() {
        return writers > 0;
    }

    int writersEver() {
        return writersEver;
    }

    int readersEver() {
        return readersEver;
    }

    int capacity() {
        return capacity;
    }

    /** fcntl(F_SETPIPE_SZ): rounds up to a power of two of at least a page; EBUSY when more bytes than that wait. */
    int setCapacity(int wanted, boolean privileged) throws ErrnoException {
        if (wanted < 0 || wanted > 1 << 30) {
            throw errno(EINVAL);
        }
        int size = wanted <= PIPE_BUF ? PIPE_BUF : Integer.highestOneBit(wanted - 1) << 1;
        if (size > MAX_CAPACITY && !privileged) {
            throw errno(EPERM);
        }
        size = Math.min(size, 1 << 26);
        mu.lock();
        try {
            if (count > size) {
                throw errno(EBUSY);
            }
            capacity = size;
            if (ring.length > size) {
                setRingLocked(contentLocked(size));
            }
        } finally {
            mu.unlock();
        }
        queue.notify(POLLOUT | POLLWRNORM);
        return size;
    }

    /** One more end: {@code reads} and {@code writes} say what it can do. */
    void addEnd(boolean reads, boolean writes) {
        mu.lock();
        try {
            if (reads) {
                readers++;
                readersEver++;
            }
            if (writes) {
                writers++;
                writersEver++;
            }
        } finally {
            mu.unlock();
        }
        queue.notify(POLLIN | POLLOUT); // a FIFO's open may wait for this
    }

    /** The inverse of {@link #addEnd}. The last end drops what is left in a FIFO. */
    void removeEnd(boolean reads, boolean writes) {
        int events = 0;
        mu.lock();
        try {
            if (reads && --readers == 0) {
                events |= POLLERR | POLLOUT | POLLWRNORM;
            }
            if (writes && --writers == 0) {
                events |= POLLHUP | POLLIN | POLLRDNORM;
            }
            if (readers == 0 && writers == 0) {
                count = 0;
                setRingLocked(EMPTY);
            }
        } finally {
            mu.unlock();
        }
        if (events != 0) {
            queue.notify(events);
        }
    }

    WaitQueue queue() {
        return queue;
    }

    /** What a checkpoint keeps: the bytes in the pipe. The ends count themselves in again. */
    @StateType(id = 0x0400, version = 1)
    public record State(byte[] content, int capacity, int writersEver, int readersEver) {}

    @Override
    public Record save(SaveContext context) {
        mu.lock();
        try {
            return new State(contentLocked(count), capacity, writersEver, readersEver);
        } finally {
            mu.unlock();
        }
    }

    static final Restorer<State, Pipe> RESTORER =
            new Restorer<>() {
                @Override
                public Pipe create(State state, RestoreContext context) {
                    Pipe pipe = new Pipe();
                    pipe.mu.lock();
                    try {
                        pipe.capacity = state.capacity;
                        pipe.growLocked(state.content.length);
                        System.arraycopy(state.content, 0, pipe.ring, 0, state.content.length);
                        pipe.count = state.content.length;
                    } finally {
                        pipe.mu.unlock();
                    }
                    return pipe;
                }

                @Override
                public void link(Pipe pipe, State state, RestoreContext context) {
                    context.afterLink(
                            () -> {
                                pipe.writersEver = state.writersEver;
                                pipe.readersEver = state.readersEver;
                            });
                }
            };
}
