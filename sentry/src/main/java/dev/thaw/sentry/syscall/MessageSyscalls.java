package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPIPE;
import static dev.thaw.abi.Errno.ERESTARTSYS;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.abi.Signals.SIGPIPE;
import static dev.thaw.abi.Socket.MSG_CMSG_CLOEXEC;
import static dev.thaw.abi.Socket.MSG_DONTWAIT;
import static dev.thaw.abi.Socket.MSG_NOSIGNAL;
import static dev.thaw.abi.Socket.MSG_PEEK;
import static dev.thaw.abi.Socket.MSG_WAITALL;
import static dev.thaw.abi.Socket.MSG_WAITFORONE;
import static dev.thaw.abi.Socket.SOCK_STREAM;
import static dev.thaw.abi.Socket.SO_RCVTIMEO;
import static dev.thaw.abi.Socket.SO_SNDTIMEO;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.net.SocketFile;
import dev.thaw.sentry.net.SocketFile.Ancillary;
import dev.thaw.sentry.net.SocketFile.Received;
import dev.thaw.sentry.vfs.FileDescription;
import java.util.List;

/**
 * Sending and receiving (Linux: {@code net/socket.c}).
 *
 * <pre>
 * struct msghdr:   0 name  8 namelen  16 iov  24 iovlen  32 control  40 controllen  48 flags
 * struct mmsghdr:  msghdr, 56 len (64 bytes)
 * </pre>
 */
final class MessageSyscalls {
    private static final int MSGHDR_SIZE = 56;
    private static final int MMSGHDR_SIZE = 64;
    private static final int MAX_MESSAGES = 1024;

    /** sendto(2). */
    static long sendto(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile socket = SocketFile.of(file);
            byte[] address =
                    args.addr(4) == 0
                            ? null
                            : SocketSyscalls.readAddress(task, args.addr(4), args.int32(5));
            IoBuffer source = task.mm().buffer(args.addr(1), args.size(2));
            return send(
                    task, socket, source, args.int32(3), new Ancillary(address, List.of(), null));
        }
    }

    /** recvfrom(2). */
    static long recvfrom(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile socket = SocketFile.of(file);
            IoBuffer target = task.mm().buffer(args.addr(1), args.size(2));
            Received received = new Received();
            long result;
            try {
                result = receive(task, socket, target, args.int32(3), received);
            } finally {
                received.discardRights();
            }
            byte[] address = received.address;
            if (result >= 0 && args.addr(4) != 0) {
                SocketSyscalls.writeAddress(
                        task,
                        args.addr(4),
                        args.addr(5),
                        address == null || address.length <= 2 ? new byte[0] : address);
            }
            return result;
        }
    }

    /** sendmsg(2). */
    static long sendmsg(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return sendMessage(task, SocketFile.of(file), args.addr(1), args.int32(2));
        }
    }

    /** recvmsg(2). */
    static long recvmsg(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            return receiveMessage(task, SocketFile.of(file), args.addr(1), args.int32(2));
        }
    }

    /** sendmmsg(2). */
    static long sendmmsg(Task task, SyscallArgs args) throws ErrnoException {
        long vector = args.addr(1);
        int count = Math.min(args.int32(2), MAX_MESSAGES);
        int done = 0;
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile socket = SocketFile.of(file);
            for (; Integer.compareUnsigned(done, count) < 0 && done < MAX_MESSAGES; done++) {
                long header = vector + (long) done * MMSGHDR_SIZE;
                long result = sendMessage(task, socket, header, args.int32(3));
                if (result < 0) {
                    return done == 0 ? result : done;
                }
                task.mm().writeInt(header + MSGHDR_SIZE, (int) result);
            }
        } catch (ErrnoException e) {
            if (done == 0) {
                throw e;
            }
        }
        return done;
    }

    /** recvmmsg(2). As in Linux, the timeout is looked at only between messages. */
    static long recvmmsg(Task task, SyscallArgs args) throws ErrnoException {
        long vector = args.addr(1);
        int count = Math.min(args.int32(2), MAX_MESSAGES);
        int flags = args.int32(3);
        long timeAddr = args.addr(4);
        long deadline = Deadlines.of(task, Deadlines.readTimespec(task, timeAddr));
        int done = (int) task.callProgress(); // messages, received before a pause
        task.setCallProgress(0);
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile socket = SocketFile.of(file);
            while (done < count) {
                long header = vector + (long) done * MMSGHDR_SIZE;
                int now = done > 0 && (flags & MSG_WAITFORONE) != 0 ? flags | MSG_DONTWAIT : flags;
                long result = receiveMessage(task, socket, header, now & ~MSG_WAITFORONE);
                if (result == -ERESTARTSYS && task.callProgress() == 0) {
                    task.setCallProgress(done);
                    return result;
                }
                if (result < 0) {
                    return done == 0 ? result : done;
                }
                task.mm().writeInt(header + MSGHDR_SIZE, (int) result);
                done++;
                if (timeAddr != 0
                        && (deadline == Deadlines.NOW
                                || task.kernel().clock().monotonic() >= deadline)) {
                    break;
                }
            }
        } catch (ErrnoException e) {
            if (done == 0) {
                throw e;
            }
        }
        if (timeAddr != 0) {
            Deadlines.writeRest(task, timeAddr, deadline, 1);
        }
        return done;
    }

    private static long sendMessage(Task task, SocketFile socket, long header, int flags)
            throws ErrnoException {
        long nameAddr = task.mm().readLong(header);
        int nameLength = task.mm().readInt(header + 8);
        IoBuffer source =
                task.mm()
                        .iovec(
                                task.mm().readLong(header + 16),
                                vectorLength(task.mm().readLong(header + 24)));
        long controlAddr = task.mm().readLong(header + 32);
        long controlLength = task.mm().readLong(header + 40);
        byte[] address =
                nameAddr == 0 || nameLength == 0
                        ? null
                        : SocketSyscalls.readAddress(task, nameAddr, nameLength);
        Ancillary ancillary = ControlMessages.read(task, address, controlAddr, controlLength);
        long result = -1;
        try {
            result = send(task, socket, source, flags, ancillary);
            return result;
        } finally {
            if (result < 0) {
                ControlMessages.discard(ancillary);
            }
        }
    }

    private static int vectorLength(long length) throws ErrnoException {
        if (length < 0 || length > 1024) {
            throw errno(dev.thaw.abi.Errno.EMSGSIZE);
        }
        return (int) length;
    }

    /** Sends all of {@code source}, waiting where that is allowed. The ancillary data goes with the first bytes. */
    private static long send(
            Task task, SocketFile socket, IoBuffer source, int flags, Ancillary ancillary)
            throws ErrnoException {
        long deadline = SocketSyscalls.deadline(task, socket, flags, SO_SNDTIMEO);
        long[] done = {task.callProgress()};
        if (done[0] > 0) {
            source.skip(done[0]);
        }
        Waits.Attempt attempt = () -> sendRest(task, socket, source, flags, ancillary, done);
        try {
            byte[] address = ancillary.address();
            long result = sendRest(task, socket, source, flags, ancillary, done);
            if (result == -EAGAIN && deadline != Deadlines.NOW) {
                result =
                        address != null
                                ? SocketSyscalls.waitForTarget(
                                        task, socket, address, deadline, attempt)
                                : Waits.until(task, socket, POLLOUT, deadline, attempt);
            }
            if (result == -ERESTARTSYS && done[0] > 0) {
                task.setCallProgress(done[0]); // a pause must not be seen as a short write
                return result;
            }
            return result < 0 && done[0] > 0 ? done[0] : result;
        } catch (ErrnoException e) {
            if (e.errno() == EPIPE
                    && (flags & MSG_NOSIGNAL) == 0
                    && socket.type() != dev.thaw.abi.Socket.SOCK_DGRAM) {
                task.sendSelf(SIGPIPE);
            }
            if (done[0] > 0) {
                return done[0];
            }
            throw e;
        }
    }

    private static long sendRest(
            Task task,
            SocketFile socket,
            IoBuffer source,
            int flags,
            Ancillary ancillary,
            long[] done)
            throws ErrnoException {
        while (true) {
            long sent = socket.send(task, source, flags, done[0] == 0 ? ancillary : Ancillary.NONE);
            if (sent < 0) {
                return sent;
            }
            done[0] += sent;
            if (sent == 0 || source.remaining() == 0) {
                return done[0];
            }
        }
    }

    private static long receiveMessage(Task task, SocketFile socket, long header, int flags)
            throws ErrnoException {
        long nameAddr = task.mm().readLong(header);
        IoBuffer target =
                task.mm()
                        .iovec(
                                task.mm().readLong(header + 16),
                                vectorLength(task.mm().readLong(header + 24)));
        long controlAddr = task.mm().readLong(header + 32);
        long controlLength = task.mm().readLong(header + 40);
        Received received = new Received();
        try {
            long result = receive(task, socket, target, flags, received);
            if (result < 0) {
                return result;
            }
            int messageFlags = received.flags | flags & MSG_CMSG_CLOEXEC;
            byte[] address = received.address;
            if (nameAddr != 0) {
                int room = task.mm().readInt(header + 8);
                if (room < 0) {
                    throw errno(EINVAL);
                }
                byte[] name = address == null || address.length <= 2 ? new byte[0] : address;
                task.mm()
                        .copyOutBytes(
                                nameAddr,
                                name.length > room ? java.util.Arrays.copyOf(name, room) : name);
                task.mm().writeInt(header + 8, name.length);
            }
            ControlMessages control =
                    new ControlMessages(
                            task, socket, controlAddr, controlAddr == 0 ? 0 : controlLength);
            control.write(received, (flags & MSG_CMSG_CLOEXEC) != 0);
            task.mm().writeLong(header + 40, control.length());
            task.mm().writeInt(header + 48, messageFlags | control.flags());
            return result;
        } finally {
            received.discardRights();
        }
    }

    private static long receive(
            Task task, SocketFile socket, IoBuffer target, int flags, Received received)
            throws ErrnoException {
        long deadline = SocketSyscalls.deadline(task, socket, flags, SO_RCVTIMEO);
        boolean all =
                (flags & MSG_WAITALL) != 0
                        && (flags & MSG_PEEK) == 0
                        && socket.type() == SOCK_STREAM;
        if (!all) {
            return Waits.until(
                    task,
                    socket,
                    POLLIN,
                    deadline,
                    () -> socket.receive(task, target, flags, received));
        }
        long done = task.callProgress();
        if (done > 0) {
            target.skip(done);
        }
        while (target.remaining() > 0) {
            long result;
            try {
                result =
                        Waits.until(
                                task,
                                socket,
                                POLLIN,
                                deadline,
                                () -> socket.receive(task, target, flags, received));
            } catch (ErrnoException e) {
                if (done > 0) {
                    return done;
                }
                throw e;
            }
            if (result == -ERESTARTSYS && done > 0) {
                task.setCallProgress(done); // a pause must not be seen as a short read
                return result;
            }
            if (result <= 0) {
                return done > 0 ? done : result;
            }
            done += result;
            if (!received.rights.isEmpty()) {
                break;
            }
        }
        return done;
    }

    private MessageSyscalls() {}
}
