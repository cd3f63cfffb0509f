package dev.thaw.sentry.fs.host;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINTR;
import static dev.thaw.abi.Errno.ENOTTY;
import static dev.thaw.abi.Errno.EPIPE;
import static dev.thaw.abi.Errno.ESPIPE;
import static dev.thaw.abi.Fcntl.S_IFCHR;
import static dev.thaw.abi.Fcntl.S_IFIFO;
import static dev.thaw.abi.Fcntl.S_IFMT;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.abi.Fcntl.S_IFSOCK;
import static dev.thaw.abi.Ioctls.FIONREAD;
import static dev.thaw.abi.Ioctls.TCGETS;
import static dev.thaw.abi.Ioctls.TCSETS;
import static dev.thaw.abi.Ioctls.TCSETSF;
import static dev.thaw.abi.Ioctls.TCSETSW;
import static dev.thaw.abi.Ioctls.TIOCGWINSZ;
import static dev.thaw.abi.Poll.POLLERR;
import static dev.thaw.abi.Poll.POLLHUP;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.abi.Signals.SIGPIPE;
import static dev.thaw.sentry.ErrnoException.check;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostPoll;
import dev.thaw.host.HostStat;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A descriptor that the caller of the sandbox gave it: its standard streams. The description behind it is shared with the caller's shell, so O_NONBLOCK is never set on it: readiness is polled first,
 * and a write to a stream is short enough not to wait once there is room at all.
 */
public final class HostFileDescription extends FileDescription {
    private static final int BUFFER = 1 << 16;
    private static final int ATOMIC = 4096; // PIPE_BUF: fits whenever POLLOUT holds

    private static final ThreadLocal<MemorySegment> BUFFERS =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(BUFFER, 64));

    private final WaitQueue queue = new WaitQueue();
    private final int index;
    private final HostInode inode = new HostInode(this);
    private int fd;
    private int type;

    /** The host's {@code hostFd}, known by its own number in an image. */
    public HostFileDescription(int hostFd, int flags) {
        this(hostFd, hostFd, flags);
    }

    /** The host's {@code hostFd}, known as {@code index} in an image. */
    public HostFileDescription(int index, int hostFd, int flags) {
        super(flags);
        this.index = index;
        connect(hostFd);
    }

    private HostFileDescription(State state, HostDescriptors descriptors) {
        super(state.file);
        this.index = state.index;
        connect(descriptors.fd(state.index));
    }

    private void connect(int hostFd) {
        fd = hostFd;
        HostStat stat = new HostStat();
        type = hostFd >= 0 && HostFiles.fstat(hostFd, stat) == 0 ? stat.mode & S_IFMT : S_IFCHR;
        inode.connected(type);
    }

    /** The descriptor of the host, or -1. */
    public int hostFd() {
        return fd;
    }

    private boolean isStream() {
        return type == S_IFIFO || type == S_IFSOCK || type == S_IFCHR;
    }

    @Override
    public Inode inode() {
        return inode;
    }

    @Override
    public int anonymousMode() {
        return type | 0x190;
    }

    @Override
    public String description() {
        return switch (type) {
            case S_IFIFO -> "pipe:[" + inode.ino() + "]";
            case S_IFSOCK -> "socket:[" + inode.ino() + "]";
            case S_IFCHR -> "/dev/console";
            default -> "/host:[" + index + "]";
        };
    }

    @Override
    protected void release() {
        HostPoller.forget(fd);
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        if (fd < 0) {
            return 0;
        }
        if (isStream() && !isReady(POLLIN)) {
            return -EAGAIN;
        }
        MemorySegment buffer = BUFFERS.get();
        long count = HostFiles.read(fd, buffer, 0, Math.min(BUFFER, target.remaining()));
        if (count == -EINTR || count == -EAGAIN) {
            armIfWaiting(POLLIN);
            return -EAGAIN;
        }
        return count <= 0 ? check(count) : target.put(buffer, 0, count);
    }

    @Override
    public long write(Task task, IoBuffer source) throws ErrnoException {
        long total = source.remaining();
        if (fd < 0 || total == 0) {
            return total;
        }
        MemorySegment buffer = BUFFERS.get();
        long done = 0;
        while (done < total) {
            if (isStream() && !isReady(POLLOUT)) {
                return done > 0 ? done : -EAGAIN;
            }
            long step =
                    source.take(buffer, 0, Math.min(isStream() ? ATOMIC : BUFFER, total - done));
            long count = writeAll(buffer, step);
            if (count < 0) {
                if (count == -EPIPE && task != null) {
                    task.sendSelf(SIGPIPE);
                }
                return done > 0 ? done : check(count);
            }
            done += count;
        }
        return done;
    }

    private long writeAll(MemorySegment buffer, long length) {
        long done = 0;
        while (done < length) {
            long count = HostFiles.write(fd, buffer, done, length - done);
            if (count == -EINTR) {
                continue;
            }
            if (count == -EAGAIN) { // the caller's shell made it non-blocking
                HostPoll.ready(fd, POLLOUT);
                Thread.onSpinWait();
                continue;
            }
            if (count < 0) {
                return done > 0 ? done : count;
            }
            done += count;
        }
        return done;
    }

    @Override
    public long pread(Task task, IoBuffer target, long offset) throws ErrnoException {
        if (type != S_IFREG) {
            throw errno(ESPIPE);
        }
        MemorySegment buffer = BUFFERS.get();
        long count =
                check(HostFiles.pread(fd, buffer, 0, Math.min(BUFFER, target.remaining()), offset));
        return target.put(buffer, 0, count);
    }

    @Override
    public long pwrite(Task task, IoBuffer source, long offset) throws ErrnoException {
        if (type != S_IFREG) {
            throw errno(ESPIPE);
        }
        MemorySegment buffer = BUFFERS.get();
        long step = source.take(buffer, 0, Math.min(BUFFER, source.remaining()));
        return check(HostFiles.pwrite(fd, buffer, 0, step, offset));
    }

    @Override
    public long seek(Task task, long offset, int whence) throws ErrnoException {
        if (fd < 0) {
            throw errno(ESPIPE);
        }
        return check(HostFiles.lseek(fd, offset, whence));
    }

    @Override
    public long ioctl(Task task, int command, long argument) throws ErrnoException {
        int size =
                switch (command) {
                    case TCGETS -> 36;
                    case TIOCGWINSZ -> 8;
                    case FIONREAD -> 4;
                    case TCSETS, TCSETSW, TCSETSF ->
                            0; // the terminal is the caller's: nothing changes it
                    default -> -1;
                };
        if (size < 0 || fd < 0) {
            throw errno(ENOTTY);
        }
        MemorySegment buffer = BUFFERS.get();
        check(HostFiles.ioctl(fd, size == 0 ? TCGETS : command, buffer));
        if (size > 0) {
            task.mm().copyOut(argument, buffer, 0, size);
        }
        return 0;
    }

    @Override
    public boolean pollable() {
        return isStream();
    }

    private boolean isReady(int event) {
        int ready = HostPoll.ready(fd, event);
        if (ready == 0) {
            armIfWaiting(event);
        }
        return ready != 0;
    }

    private void armIfWaiting(int events) {
        if (!queue.isEmpty()) {
            HostPoller.arm(fd, queue, events);
        }
    }

    @Override
    public int poll(int mask) {
        if (fd < 0 || !isStream()) {
            return mask & (POLLIN | POLLOUT);
        }
        int ready = HostPoll.ready(fd, mask & 0xffff);
        if (ready < 0) {
            return POLLERR;
        }
        if ((ready & mask) == 0) {
            armIfWaiting(mask & 0xffff);
        }
        return ready & (mask | POLLERR | POLLHUP);
    }

    @Override
    public void addWaiter(Waiter waiter, int mask) {
        queue.add(waiter, mask);
        if (fd >= 0 && isStream()) {
            HostPoller.arm(fd, queue, mask & 0xffff);
        }
    }

    @Override
    public void removeWaiter(Waiter waiter) {
        queue.remove(waiter);
    }

    /** What a checkpoint keeps: which of the caller's descriptors it is. */
    @StateType(id = 0x03a0)
    public record State(FileState file, int index) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFile(context), index);
    }

    static final Restorer<State, HostFileDescription> RESTORER =
            new Restorer<>() {
                @Override
                public HostFileDescription create(State state, RestoreContext context) {
                    return new HostFileDescription(state, context.service(HostDescriptors.class));
                }

                @Override
                public void link(HostFileDescription file, State state, RestoreContext context) {
                    file.restoreFile(state.file, context);
                }
            };
}
