package dev.thaw.sentry.net;

import static dev.thaw.abi.Errno.EOPNOTSUPP;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Socket.SO_RCVTIMEO;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.wait.Waiter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A socket of any family (Linux: {@code struct socket}). Addresses are the bytes of the family's {@code struct sockaddr}. As in {@link FileDescription}, nothing here blocks: {@code -EAGAIN} says
 * that the call has to wait.
 */
public abstract class SocketFile extends FileDescription {
    private volatile long receiveTimeout = -1;
    private volatile long sendTimeout = -1;

    protected SocketFile(int flags) {
        super(O_RDWR | flags);
    }

    /** For a restore. */
    protected SocketFile(FileState state) {
        super(state);
    }

    @Override
    public String description() {
        return "socket:[" + inode().ino() + "]";
    }

    @Override
    public int anonymousMode() {
        return dev.thaw.abi.Fcntl.S_IFSOCK | 0x1ff;
    }

    @Override
    public FileDescription reopen(@Nullable Task task, int flags) throws ErrnoException {
        throw errno(dev.thaw.abi.Errno.ENXIO);
    }

    /** AF_UNIX, … */
    public abstract int domain();

    /** SOCK_STREAM, … */
    public abstract int type();

    /** What a send carries beside its bytes. Rights are references that the call takes over when it returns 0 or more. */
    public record Ancillary(
            byte @Nullable [] address, List<FileDescription> rights, int @Nullable [] credentials) {
        /** Nothing. */
        public static final Ancillary NONE = new Ancillary(null, List.of(), null);
    }

    /** What a receive found beside bytes. The receiver owns the rights. */
    public static final class Received {
        public byte @Nullable [] address;
        public List<FileDescription> rights = List.of();
        public int @Nullable [] credentials;

        /** MSG_TRUNC and MSG_EOR, for msg_flags. */
        public int flags;

        /** Closes the rights that nobody took. */
        public void discardRights() {
            for (FileDescription file : rights) {
                file.close();
            }
            rights = List.of();
        }
    }

    /** bind(2). */
    public abstract void bind(Task task, byte[] address) throws ErrnoException;

    /** connect(2): 0, or {@code -EAGAIN} while the listener's backlog is full. */
    public abstract long connect(Task task, byte[] address) throws ErrnoException;

    /** listen(2). */
    public void listen(Task task, int backlog) throws ErrnoException {
        throw errno(EOPNOTSUPP);
    }

    /** accept(2): the new socket, or null when none waits. */
    public @Nullable SocketFile accept(Task task, int flags) throws ErrnoException {
        throw errno(EOPNOTSUPP);
    }

    /** shutdown(2); {@code how} was checked. */
    public abstract void shutdown(int how) throws ErrnoException;

    /** getsockname(2). */
    public abstract byte[] localAddress() throws ErrnoException;

    /** getpeername(2); ENOTCONN. */
    public abstract byte[] peerAddress() throws ErrnoException;

    /** Sends what fits of {@code source}: bytes or {@code -EAGAIN}. {@code flags} are MSG_…; EPIPE is thrown, the signal is the caller's to send. */
    public abstract long send(Task task, IoBuffer source, int flags, Ancillary ancillary)
            throws ErrnoException;

    /** Receives into {@code target}: bytes (for MSG_TRUNC the whole packet's), or {@code -EAGAIN}. */
    public abstract long receive(Task task, IoBuffer target, int flags, Received received)
            throws ErrnoException;

    /** Has {@code waiter} woken when a send with {@code ancillary} may go on. */
    public void addSendWaiter(Waiter waiter, Ancillary ancillary) {
        addWaiter(waiter, dev.thaw.abi.Poll.POLLOUT);
    }

    /** The inverse of {@link #addSendWaiter}. */
    public void removeSendWaiter(Waiter waiter) {
        removeWaiter(waiter);
    }

    /** getsockopt(2): the option's bytes, at most those that Linux gives. */
    public abstract byte[] getOption(Task task, int level, int name) throws ErrnoException;

    /** setsockopt(2). */
    public abstract void setOption(Task task, int level, int name, byte[] value)
            throws ErrnoException;

    /** Nanoseconds of SO_RCVTIMEO ({@code option}) or SO_SNDTIMEO, -1 for none. */
    public final long timeout(int option) {
        return option == SO_RCVTIMEO ? receiveTimeout : sendTimeout;
    }

    public final void setTimeout(int option, long nanos) {
        if (option == SO_RCVTIMEO) {
            receiveTimeout = nanos;
        } else {
            sendTimeout = nanos;
        }
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        if (target.remaining() == 0 && type() == dev.thaw.abi.Socket.SOCK_STREAM) {
            return 0;
        }
        Received received = new Received();
        long result = receive(task, target, 0, received);
        received.discardRights();
        return result;
    }

    @Override
    public long write(Task task, IoBuffer source) throws ErrnoException {
        try {
            return send(task, source, 0, Ancillary.NONE);
        } catch (ErrnoException e) {
            if (e.errno() == dev.thaw.abi.Errno.EPIPE) {
                task.sendSelf(dev.thaw.abi.Signals.SIGPIPE);
            }
            throw e;
        }
    }

    /** The socket behind {@code file}; ENOTSOCK. */
    public static SocketFile of(FileDescription file) throws ErrnoException {
        if (file instanceof SocketFile socket) {
            return socket;
        }
        throw errno(dev.thaw.abi.Errno.ENOTSOCK);
    }
}
