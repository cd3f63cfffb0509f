package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EAFNOSUPPORT;
import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPROTONOSUPPORT;
import static dev.thaw.abi.Errno.ESOCKTNOSUPPORT;
import static dev.thaw.abi.Fcntl.O_NONBLOCK;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Socket.AF_UNIX;
import static dev.thaw.abi.Socket.SHUT_RDWR;
import static dev.thaw.abi.Socket.SOCK_CLOEXEC;
import static dev.thaw.abi.Socket.SOCK_DGRAM;
import static dev.thaw.abi.Socket.SOCK_NONBLOCK;
import static dev.thaw.abi.Socket.SOCK_RAW;
import static dev.thaw.abi.Socket.SOCK_SEQPACKET;
import static dev.thaw.abi.Socket.SOCK_STREAM;
import static dev.thaw.abi.Socket.SO_RCVTIMEO;
import static dev.thaw.abi.Socket.SO_SNDTIMEO;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.net.SocketFile;
import dev.thaw.sentry.net.unix.UnixSocket;
import dev.thaw.sentry.vfs.FileDescription;
import java.util.Arrays;

/** Making, naming and connecting sockets (Linux: {@code net/socket.c}). What carries bytes is in {@link MessageSyscalls}. */
final class SocketSyscalls {
    private static final int TYPE_MASK = 0xf;
    private static final int MAX_ADDRESS = 128;
    private static final int MAX_OPTION = 4096;

    /** socket(2). */
    static long socket(Task task, SyscallArgs args) throws ErrnoException {
        int typeAndFlags = args.int32(1);
        int type = checkType(args.int32(0), typeAndFlags, args.int32(2));
        UnixSocket made = new UnixSocket(task.kernel(), type, typeAndFlags & SOCK_NONBLOCK);
        return NewFiles.install(task, made, (typeAndFlags & SOCK_CLOEXEC) != 0);
    }

    /** socketpair(2). */
    static long socketpair(Task task, SyscallArgs args) throws ErrnoException {
        int typeAndFlags = args.int32(1);
        int type = checkType(args.int32(0), typeAndFlags, args.int32(2));
        UnixSocket[] pair = UnixSocket.pair(task, type, typeAndFlags & SOCK_NONBLOCK);
        NewFiles.installPair(
                task, pair[0], pair[1], (typeAndFlags & SOCK_CLOEXEC) != 0, args.addr(3));
        return 0;
    }

    private static int checkType(int domain, int typeAndFlags, int protocol) throws ErrnoException {
        if ((typeAndFlags & ~(TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
            throw errno(EINVAL);
        }
        if (domain != AF_UNIX) {
            throw errno(EAFNOSUPPORT);
        }
        if (protocol != 0 && protocol != AF_UNIX) {
            throw errno(EPROTONOSUPPORT);
        }
        return switch (typeAndFlags & TYPE_MASK) {
            case SOCK_STREAM -> SOCK_STREAM;
            case SOCK_DGRAM, SOCK_RAW -> SOCK_DGRAM;
            case SOCK_SEQPACKET -> SOCK_SEQPACKET;
            default -> throw errno(ESOCKTNOSUPPORT);
        };
    }

    /** bind(2). */
    static long bind(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile.of(file).bind(task, readAddress(task, args.addr(1), args.int32(2)));
            return 0;
        }
    }

    /** connect(2). */
    static long connect(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile socket = SocketFile.of(file);
            byte[] address = readAddress(task, args.addr(1), args.int32(2));
            long result = socket.connect(task, address);
            if (result != -EAGAIN || (file.statusFlags() & O_NONBLOCK) != 0) {
                return result;
            }
            return waitForTarget(
                    task,
                    socket,
                    address,
                    sendDeadline(task, socket),
                    () -> socket.connect(task, address));
        }
    }

    /** Attempts again whenever the socket that {@code address} names gets room. */
    static long waitForTarget(
            Task task, SocketFile socket, byte[] address, long deadline, Waits.Attempt attempt)
            throws ErrnoException {
        if (!(socket instanceof UnixSocket unix)) {
            return attempt.run();
        }
        Task.TaskWaiter waiter = task.waiter();
        UnixSocket target = unix.addTargetWaiter(task, address, waiter);
        try {
            return Waits.until(task, socket, dev.thaw.abi.Poll.POLLOUT, deadline, attempt);
        } finally {
            target.removeTargetWaiter(waiter);
        }
    }

    /** listen(2). */
    static long listen(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile.of(file).listen(task, args.int32(1));
            return 0;
        }
    }

    /** accept(2). */
    static long accept(Task task, SyscallArgs args) throws ErrnoException {
        return accept(task, args, 0);
    }

    /** accept4(2). */
    static long accept4(Task task, SyscallArgs args) throws ErrnoException {
        return accept(task, args, args.int32(3));
    }

    private static long accept(Task task, SyscallArgs args, int flags) throws ErrnoException {
        if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
            return -EINVAL;
        }
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile listener = SocketFile.of(file);
            SocketFile[] accepted = new SocketFile[1];
            long result =
                    Waits.until(
                            task,
                            listener,
                            POLLIN,
                            receiveDeadline(task, listener, 0),
                            () -> tryAccept(task, listener, flags, accepted));
            if (result < 0) {
                return result;
            }
            SocketFile made = accepted[0];
            boolean done = false;
            try {
                if (args.addr(1) != 0) {
                    writeAddress(task, args.addr(1), args.addr(2), peerOrEmpty(made));
                }
                done = true;
            } finally {
                if (!done) {
                    made.close();
                }
            }
            return NewFiles.install(task, made, (flags & SOCK_CLOEXEC) != 0);
        }
    }

    private static long tryAccept(Task task, SocketFile listener, int flags, SocketFile[] accepted)
            throws ErrnoException {
        SocketFile made = listener.accept(task, flags & SOCK_NONBLOCK);
        if (made == null) {
            return -EAGAIN;
        }
        accepted[0] = made;
        return 0;
    }

    private static byte[] peerOrEmpty(SocketFile socket) {
        try {
            return socket.peerAddress();
        } catch (ErrnoException e) {
            return new byte[] {AF_UNIX, 0}; // it has gone meanwhile
        }
    }

    /** shutdown(2). */
    static long shutdown(Task task, SyscallArgs args) throws ErrnoException {
        int how = args.int32(1);
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile socket = SocketFile.of(file);
            if (how < 0 || how > SHUT_RDWR) {
                return -EINVAL;
            }
            socket.shutdown(how);
            return 0;
        }
    }

    /** getsockname(2). */
    static long getsockname(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            writeAddress(task, args.addr(1), args.addr(2), SocketFile.of(file).localAddress());
            return 0;
        }
    }

    /** getpeername(2). */
    static long getpeername(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            writeAddress(task, args.addr(1), args.addr(2), SocketFile.of(file).peerAddress());
            return 0;
        }
    }

    /** getsockopt(2). */
    static long getsockopt(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile socket = SocketFile.of(file);
            int length = task.mm().readInt(args.addr(4));
            if (length < 0) {
                return -EINVAL;
            }
            byte[] value = socket.getOption(task, args.int32(1), args.int32(2));
            byte[] shown = value.length > length ? Arrays.copyOf(value, length) : value;
            task.mm().copyOutBytes(args.addr(3), shown);
            task.mm().writeInt(args.addr(4), shown.length);
            return 0;
        }
    }

    /** setsockopt(2). */
    static long setsockopt(Task task, SyscallArgs args) throws ErrnoException {
        int length = args.int32(4);
        try (FileDescription file = task.fds().get(args.int32(0))) {
            SocketFile socket = SocketFile.of(file);
            if (length < 0) {
                return -EINVAL;
            }
            byte[] value = task.mm().copyInBytes(args.addr(3), Math.min(length, MAX_OPTION));
            socket.setOption(task, args.int32(1), args.int32(2), value);
            return 0;
        }
    }

    /** The bytes of the guest's {@code struct sockaddr}. */
    static byte[] readAddress(Task task, long address, int length) throws ErrnoException {
        if (length < 0 || length > MAX_ADDRESS) {
            throw errno(EINVAL);
        }
        return task.mm().copyInBytes(address, length);
    }

    /** Writes {@code value} as far as the guest's length allows, and its full length back. */
    static void writeAddress(Task task, long address, long lengthAddress, byte[] value)
            throws ErrnoException {
        int length = task.mm().readInt(lengthAddress);
        if (length < 0) {
            throw errno(EINVAL);
        }
        task.mm()
                .copyOutBytes(
                        address, value.length > length ? Arrays.copyOf(value, length) : value);
        task.mm().writeInt(lengthAddress, value.length);
    }

    /** Until when a receive waits: O_NONBLOCK, MSG_DONTWAIT, SO_RCVTIMEO. */
    static long receiveDeadline(Task task, SocketFile socket, int flags) {
        return deadline(task, socket, flags, SO_RCVTIMEO);
    }

    static long sendDeadline(Task task, SocketFile socket) {
        return deadline(task, socket, 0, SO_SNDTIMEO);
    }

    static long deadline(Task task, SocketFile socket, int flags, int option) {
        if ((flags & dev.thaw.abi.Socket.MSG_DONTWAIT) != 0
                || (socket.statusFlags() & O_NONBLOCK) != 0) {
            return Deadlines.NOW;
        }
        return Deadlines.of(task, socket.timeout(option));
    }

    private SocketSyscalls() {}
}
