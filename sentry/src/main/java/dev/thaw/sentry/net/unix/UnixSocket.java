package dev.thaw.sentry.net.unix;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.ECONNREFUSED;
import static dev.thaw.abi.Errno.ECONNRESET;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EISCONN;
import static dev.thaw.abi.Errno.EMSGSIZE;
import static dev.thaw.abi.Errno.ENOTCONN;
import static dev.thaw.abi.Errno.EOPNOTSUPP;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.EPIPE;
import static dev.thaw.abi.Errno.EPROTOTYPE;
import static dev.thaw.abi.Ioctls.FIONREAD;
import static dev.thaw.abi.Ioctls.TIOCOUTQ;
import static dev.thaw.abi.Poll.POLLERR;
import static dev.thaw.abi.Poll.POLLHUP;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.abi.Poll.POLLRDHUP;
import static dev.thaw.abi.Poll.POLLRDNORM;
import static dev.thaw.abi.Poll.POLLWRBAND;
import static dev.thaw.abi.Poll.POLLWRNORM;
import static dev.thaw.abi.Socket.AF_UNIX;
import static dev.thaw.abi.Socket.MSG_OOB;
import static dev.thaw.abi.Socket.MSG_PEEK;
import static dev.thaw.abi.Socket.MSG_TRUNC;
import static dev.thaw.abi.Socket.SOCK_DGRAM;
import static dev.thaw.abi.Socket.SOCK_STREAM;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.net.SocketFile;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.SaveContext;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Unix domain socket (Linux: {@code struct unix_sock}).
 *
 * <p>Who is connected to whom, listens or is bound changes under one lock, {@link #CONNECTIONS}; that is rare. Bytes go through each socket's own {@link MessageQueue}. A sender is told of
 * room in its peer's queue by a relay that it put there when it connected.
 */
public final class UnixSocket extends SocketFile {
    /** Guards bindings, peers and backlogs of all Unix sockets. Taken before any queue's lock. */
    static final KernelLock CONNECTIONS = new KernelLock(LockClass.SOCKET);

    /** Linux's net.core.wmem_default. */
    static final int DEFAULT_BUFFER = 212_992;

    /** Packets that wait at a datagram socket at most (net.unix.max_dgram_qlen). */
    private static final int MAX_PACKETS = 512;

    private static final int MAX_BACKLOG = 4096;
    private static final int STREAM_CHUNK = 32 << 10;

    private final int type;
    final WaitQueue queue = new WaitQueue();
    final MessageQueue incoming = new MessageQueue();
    private final Waiter relay = events -> relayed();

    // Written with CONNECTIONS held.
    volatile @Nullable Kernel kernel;
    volatile @Nullable UnixSocket peer;
    volatile String name = "";
    volatile @Nullable UnixPath path;
    volatile boolean listening;
    volatile boolean wasConnected;
    volatile int backlog;
    final ArrayDeque<UnixSocket> pending = new ArrayDeque<>(2);

    /** Bits: 1 reading is shut down, 2 writing. */
    volatile int shutdown;

    volatile boolean closed;

    /** What SO_ERROR tells and clears. */
    volatile int error;

    /** pid, uid, gid that SO_PEERCRED tells. */
    volatile int[] peerCredentials = {0, -1, -1};

    volatile boolean passCredentials;
    volatile int sendBuffer = DEFAULT_BUFFER;
    volatile int receiveBuffer = DEFAULT_BUFFER;

    UnixSocket(FileState state, int type) {
        super(state);
        this.type = type;
    }

    public UnixSocket(@Nullable Kernel kernel, int type, int flags) {
        super(flags);
        this.kernel = kernel;
        this.type = type;
    }

    /** Two sockets connected to each other (socketpair(2)). */
    public static UnixSocket[] pair(Task task, int type, int flags) {
        UnixSocket a = new UnixSocket(task.kernel(), type, flags);
        UnixSocket b = new UnixSocket(task.kernel(), type, flags);
        int[] who = credentialsOf(task);
        CONNECTIONS.lock();
        try {
            a.peerCredentials = who;
            b.peerCredentials = who;
            a.setPeerLocked(b);
            b.setPeerLocked(a);
        } finally {
            CONNECTIONS.unlock();
        }
        return new UnixSocket[] {a, b};
    }

    static int[] credentialsOf(Task task) {
        Credentials who = task.credentials();
        return new int[] {task.threadGroup().pid(), who.euid(), who.egid()};
    }

    @Override
    public int domain() {
        return AF_UNIX;
    }

    @Override
    public int type() {
        return type;
    }

    private boolean connectionBased() {
        return type != SOCK_DGRAM;
    }

    void setPeerLocked(@Nullable UnixSocket next) {
        UnixSocket old = peer;
        if (old != null) {
            old.incoming.writers.remove(relay);
        }
        peer = next;
        if (next != null) {
            wasConnected = true;
            next.incoming.writers.add(relay, POLLOUT);
        }
    }

    /** The peer read something. */
    private void relayed() {
        if (hasRoom()) {
            queue.notify(POLLOUT | POLLWRNORM | POLLWRBAND);
        }
    }

    @Override
    public void bind(Task task, byte[] address) throws ErrnoException {
        String wanted = UnixAddress.parse(address);
        if (wanted.isEmpty()) {
            if (name.isEmpty()) {
                UnixNames.of(task.kernel()).autobind(this);
            }
            return;
        }
        if (UnixAddress.isAbstract(wanted)) {
            UnixNames.of(task.kernel()).bind(this, wanted);
        } else {
            UnixPath.bind(task, this, wanted);
        }
    }

    /** The socket that {@code address} names; ECONNREFUSED. */
    private UnixSocket find(Task task, String address) throws ErrnoException {
        UnixSocket found =
                UnixAddress.isAbstract(address)
                        ? UnixNames.of(task.kernel()).find(type, address)
                        : UnixPath.find(task, address);
        if (found == null || found.closed) {
            throw errno(ECONNREFUSED);
        }
        if (found.type != type) {
            throw errno(EPROTOTYPE);
        }
        return found;
    }

    @Override
    public long connect(Task task, byte[] address) throws ErrnoException {
        if (type == SOCK_DGRAM) {
            return connectDatagram(task, address);
        }
        String wanted = UnixAddress.parse(address);
        if (wanted.isEmpty()) {
            throw errno(EINVAL);
        }
        if (listening) {
            throw errno(EINVAL);
        }
        if (wasConnected) {
            throw errno(EISCONN);
        }
        UnixSocket listener = find(task, wanted);
        CONNECTIONS.lock();
        try {
            if (!listener.listening || listener.closed || (listener.shutdown & 1) != 0) {
                throw errno(ECONNREFUSED);
            }
            if (wasConnected) {
                throw errno(EISCONN);
            }
            if (listener.pending.size() > listener.backlog) {
                return -EAGAIN;
            }
            UnixSocket server = new UnixSocket(kernel, type, 0);
            server.name = listener.name;
            server.passCredentials = listener.passCredentials;
            server.peerCredentials = credentialsOf(task);
            peerCredentials = listener.peerCredentials;
            setPeerLocked(server);
            server.setPeerLocked(this);
            listener.pending.add(server);
        } finally {
            CONNECTIONS.unlock();
        }
        listener.queue.notify(POLLIN | POLLRDNORM);
        queue.notify(POLLOUT | POLLWRNORM | POLLWRBAND);
        return 0;
    }

    private long connectDatagram(Task task, byte[] address) throws ErrnoException {
        boolean dissolve = address.length >= 2 && address[0] == 0 && address[1] == 0;
        UnixSocket target = dissolve ? null : find(task, UnixAddress.parse(address));
        if (target != null && !target.mayReceiveFrom(this)) {
            throw errno(EPERM);
        }
        CONNECTIONS.lock();
        try {
            setPeerLocked(target);
        } finally {
            CONNECTIONS.unlock();
        }
        queue.notify(POLLOUT | POLLWRNORM | POLLWRBAND);
        return 0;
    }

    /** A datagram socket that is connected hears its peer only. */
    private boolean mayReceiveFrom(UnixSocket sender) {
        UnixSocket mine = peer;
        return mine == null || mine == sender;
    }

    @Override
    public void listen(Task task, int wanted) throws ErrnoException {
        if (!connectionBased()) {
            throw errno(EOPNOTSUPP);
        }
        CONNECTIONS.lock();
        try {
            if (name.isEmpty() || wasConnected) {
                throw errno(EINVAL);
            }
            backlog = Integer.compareUnsigned(wanted, MAX_BACKLOG) > 0 ? MAX_BACKLOG : wanted;
            listening = true;
            peerCredentials = credentialsOf(task);
        } finally {
            CONNECTIONS.unlock();
        }
        incoming.writers.notify(POLLOUT);
    }

    @Override
    public @Nullable SocketFile accept(Task task, int flags) throws ErrnoException {
        if (!connectionBased()) {
            throw errno(EOPNOTSUPP);
        }
        UnixSocket accepted;
        CONNECTIONS.lock();
        try {
            if (!listening || (shutdown & 1) != 0) {
                throw errno(EINVAL);
            }
            accepted = pending.poll();
        } finally {
            CONNECTIONS.unlock();
        }
        if (accepted != null) {
            accepted.setStatusFlags(accepted.statusFlags() | flags);
            incoming.writers.notify(POLLOUT);
        }
        return accepted;
    }

    @Override
    public void addSendWaiter(Waiter waiter, Ancillary ancillary) {
        addWaiter(waiter, POLLOUT);
    }

    /** Has {@code waiter} woken when the queue of the socket that {@code address} names has room: a listener's backlog, or another's datagrams. */
    public UnixSocket addTargetWaiter(Task task, byte[] address, Waiter waiter)
            throws ErrnoException {
        UnixSocket target = find(task, UnixAddress.parse(address));
        target.incoming.writers.add(waiter, POLLOUT);
        return target;
    }

    /** The inverse of {@link #addTargetWaiter}, on what it returned. */
    public void removeTargetWaiter(Waiter waiter) {
        incoming.writers.remove(waiter);
    }

    @Override
    public void shutdown(int how) throws ErrnoException {
        UnixSocket other;
        CONNECTIONS.lock();
        try {
            other = peer;
            if (other == null && connectionBased() && !listening) {
                throw errno(ENOTCONN);
            }
            shutdown |= how + 1;
            if (other != null && connectionBased()) {
                // My reading end is my peer's writing end.
                other.shutdown |= (how + 1 & 1) << 1 | (how + 1 & 2) >> 1;
            }
        } finally {
            CONNECTIONS.unlock();
        }
        int events = POLLIN | POLLRDNORM | POLLOUT | POLLRDHUP | POLLHUP;
        queue.notify(events);
        incoming.writers.notify(POLLOUT);
        if (other != null && connectionBased()) {
            other.queue.notify(events);
            other.incoming.writers.notify(POLLOUT);
        }
    }

    @Override
    public byte[] localAddress() {
        return UnixAddress.format(name);
    }

    @Override
    public byte[] peerAddress() throws ErrnoException {
        UnixSocket other = peer;
        if (other == null) {
            throw errno(ENOTCONN);
        }
        return UnixAddress.format(other.name);
    }

    @Override
    public long send(Task task, IoBuffer source, int flags, Ancillary ancillary)
            throws ErrnoException {
        if ((flags & MSG_OOB) != 0) {
            throw errno(EOPNOTSUPP);
        }
        byte[] address = ancillary.address();
        if (connectionBased()) {
            if (address != null && type == SOCK_STREAM) {
                throw errno(wasConnected ? EISCONN : EOPNOTSUPP);
            }
            UnixSocket other = peer;
            if ((shutdown & 2) != 0 || (wasConnected && other == null)) {
                throw errno(EPIPE);
            }
            if (other == null) {
                throw errno(ENOTCONN);
            }
            if (other.closed || (other.shutdown & 1) != 0) {
                throw errno(EPIPE);
            }
            return type == SOCK_STREAM
                    ? sendStream(task, other, source, ancillary)
                    : sendPacket(task, other, source, ancillary);
        }
        if ((shutdown & 2) != 0) {
            throw errno(EPIPE);
        }
        UnixSocket target = address != null ? find(task, UnixAddress.parse(address)) : peer;
        if (target == null) {
            throw errno(ENOTCONN);
        }
        if (target.closed) {
            dropPeer(target);
            throw errno(ECONNREFUSED);
        }
        if ((target.shutdown & 1) != 0) {
            throw errno(EPIPE);
        }
        if (!target.mayReceiveFrom(this)) {
            throw errno(EPERM);
        }
        return sendPacket(task, target, source, ancillary);
    }

    private void dropPeer(UnixSocket target) {
        CONNECTIONS.lock();
        try {
            if (peer == target) {
                setPeerLocked(null);
            }
        } finally {
            CONNECTIONS.unlock();
        }
    }

    private long sendStream(Task task, UnixSocket other, IoBuffer source, Ancillary ancillary)
            throws ErrnoException {
        if (source.remaining() == 0) {
            return 0;
        }
        long done = 0;
        Ancillary first = ancillary;
        while (source.remaining() > 0) {
            int room = sendBuffer - other.incoming.cost();
            if (room <= 0) {
                return done == 0 ? -EAGAIN : done;
            }
            byte[] data =
                    new byte[(int) Math.min(source.remaining(), Math.min(room, STREAM_CHUNK))];
            long taken;
            try {
                taken = source.take(data, 0, data.length);
            } catch (ErrnoException e) {
                if (done > 0) {
                    return done;
                }
                throw e;
            }
            if (taken < data.length) {
                data = java.util.Arrays.copyOf(data, (int) taken);
            }
            if (!other.incoming.add(message(task, data, first))) {
                if (done > 0) {
                    return done;
                }
                throw errno(EPIPE);
            }
            first = Ancillary.NONE;
            done += taken;
            other.queue.notify(POLLIN | POLLRDNORM);
        }
        return done;
    }

    private long sendPacket(Task task, UnixSocket other, IoBuffer source, Ancillary ancillary)
            throws ErrnoException {
        long length = source.remaining();
        if (length > sendBuffer - 32) {
            throw errno(EMSGSIZE);
        }
        int waiting = other.incoming.cost();
        if (waiting > 0
                && (waiting + length + Message.OVERHEAD > 2L * sendBuffer
                        || other.incoming.size() >= MAX_PACKETS)) {
            return -EAGAIN;
        }
        byte[] data = new byte[(int) length];
        if (source.take(data, 0, data.length) < data.length) {
            throw errno(dev.thaw.abi.Errno.EFAULT);
        }
        if (!other.incoming.add(message(task, data, ancillary))) {
            throw errno(connectionBased() ? EPIPE : ECONNREFUSED);
        }
        other.queue.notify(POLLIN | POLLRDNORM);
        return length;
    }

    private Message message(Task task, byte[] data, Ancillary ancillary) {
        int[] who = ancillary.credentials();
        if (who == null) {
            Credentials mine = task.credentials();
            return new Message(
                    data,
                    ancillary.rights(),
                    task.threadGroup().pid(),
                    mine.uid(),
                    mine.gid(),
                    name);
        }
        return new Message(data, ancillary.rights(), who[0], who[1], who[2], name);
    }

    @Override
    public long receive(Task task, IoBuffer target, int flags, Received received)
            throws ErrnoException {
        if ((flags & MSG_OOB) != 0) {
            throw errno(EOPNOTSUPP);
        }
        if (connectionBased() && !wasConnected) {
            throw errno(type == SOCK_STREAM ? EINVAL : ENOTCONN);
        }
        boolean peek = (flags & MSG_PEEK) != 0;
        long[] copied = new long[1];
        // Looked at before the queue: what a peer sent before it hung up must still be found.
        boolean ended = (shutdown & 1) != 0;
        long length =
                type == SOCK_STREAM
                        ? incoming.readStream(target, peek, passCredentials, received)
                        : incoming.readPacket(target, peek, received, copied);
        if (length >= 0) {
            if (type == SOCK_STREAM) {
                return length;
            }
            if (copied[0] < length) {
                received.flags |= MSG_TRUNC;
            }
            return (flags & MSG_TRUNC) != 0 ? length : copied[0];
        }
        int pendingError = takeError();
        if (pendingError != 0) {
            throw errno(pendingError);
        }
        return ended ? 0 : -EAGAIN;
    }

    int takeError() {
        CONNECTIONS.lock();
        try {
            int value = error;
            error = 0;
            return value;
        } finally {
            CONNECTIONS.unlock();
        }
    }

    private boolean hasRoom() {
        if (listening) {
            return false;
        }
        UnixSocket other = peer;
        return other == null
                || other.closed
                || (other.incoming.cost() * 4L <= sendBuffer
                        && other.incoming.size() < MAX_PACKETS);
    }

    @Override
    public int poll(int mask) {
        int ready = 0;
        if (error != 0) {
            ready |= POLLERR;
        }
        if (shutdown == 3 || (connectionBased() && !wasConnected && !listening)) {
            ready |= POLLHUP;
        }
        if ((shutdown & 1) != 0) {
            ready |= POLLRDHUP | POLLIN | POLLRDNORM;
        }
        if (incoming.size() > 0 || (listening && hasPending())) {
            ready |= POLLIN | POLLRDNORM;
        }
        if (hasRoom()) {
            ready |= POLLOUT | POLLWRNORM | POLLWRBAND;
        }
        return ready & (mask | POLLERR | POLLHUP);
    }

    private boolean hasPending() {
        CONNECTIONS.lock();
        try {
            return !pending.isEmpty();
        } finally {
            CONNECTIONS.unlock();
        }
    }

    @Override
    public void addWaiter(Waiter waiter, int mask) {
        queue.add(waiter, mask);
    }

    @Override
    public void removeWaiter(Waiter waiter) {
        queue.remove(waiter);
    }

    @Override
    public long ioctl(Task task, int command, long argument) throws ErrnoException {
        switch (command) {
            case FIONREAD -> {
                if (listening) {
                    throw errno(EINVAL);
                }
                task.mm()
                        .writeInt(
                                argument,
                                type == SOCK_DGRAM ? incoming.firstLength() : incoming.bytes());
                return 0;
            }
            case TIOCOUTQ -> {
                UnixSocket other = peer;
                task.mm().writeInt(argument, other == null ? 0 : other.incoming.bytes());
                return 0;
            }
            default -> {
                return super.ioctl(task, command, argument);
            }
        }
    }

    @Override
    public byte[] getOption(Task task, int level, int option) throws ErrnoException {
        return UnixOptions.get(this, level, option);
    }

    @Override
    public void setOption(Task task, int level, int option, byte[] value) throws ErrnoException {
        UnixOptions.set(this, level, option, value);
    }

    @Override
    protected void release() {
        UnixSocket other;
        List<UnixSocket> orphans;
        List<Message> unread = incoming.close();
        CONNECTIONS.lock();
        try {
            closed = true;
            shutdown = 3;
            UnixNames.release(this);
            other = peer;
            if (other != null && connectionBased()) {
                other.shutdown = 3;
                if (!unread.isEmpty()) {
                    other.error = ECONNRESET;
                }
            }
            setPeerLocked(null);
            orphans = List.copyOf(pending);
            pending.clear();
            for (UnixSocket orphan : orphans) {
                UnixSocket client = orphan.peer;
                if (client != null) {
                    client.error = ECONNRESET;
                }
            }
        } finally {
            CONNECTIONS.unlock();
        }
        if (other != null && connectionBased()) {
            other.queue.notify(POLLIN | POLLRDNORM | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
        }
        incoming.writers.notify(POLLOUT);
        for (Message message : unread) {
            message.discard();
        }
        for (UnixSocket orphan : orphans) {
            orphan.close();
        }
    }

    @Override
    public Record save(SaveContext context) {
        return UnixStates.save(this, saveFile(context), context);
    }
}
