package dev.thaw.host;

import static dev.thaw.abi.Errno.EINTR;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EMSGSIZE;
import static dev.thaw.abi.Errno.ENAMETOOLONG;
import static dev.thaw.abi.Socket.*;
import static dev.thaw.abi.Sysno.*;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Unix sockets of the host, with descriptors passed over them. Every function returns {@code -errno} on failure; every descriptor made or received is CLOEXEC. */
public final class HostSockets {
    /** The most descriptors that one message carries. */
    public static final int MAX_FDS = 32;

    private static final int CLOEXEC = dev.thaw.abi.Fcntl.O_CLOEXEC;
    private static final int SHUT_RDWR = 2;

    // Scratch: struct msghdr at 0 (56 bytes), struct iovec at 64, control message at 128.
    private static final int IOVEC = 64;
    private static final int CONTROL = 128;
    private static final int CMSG_HEADER = 16;

    /** A connected pair of Unix sockets of {@code type} (SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM). */
    public static int socketpair(int type, int[] out) {
        MemorySegment fds = HostScratch.structs();
        int result =
                (int)
                        RawSyscall.call(
                                SYS_socketpair, AF_UNIX, type | CLOEXEC, 0, fds.address(), 0, 0);
        if (result >= 0) {
            out[0] = fds.get(JAVA_INT, 0);
            out[1] = fds.get(JAVA_INT, 4);
        }
        return result;
    }

    /** A Unix socket listening at {@code path}; the caller removes an old file and the new one. */
    public static int listenUnix(String path, int type, int backlog) {
        int fd = (int) RawSyscall.call(SYS_socket, AF_UNIX, type | CLOEXEC, 0, 0, 0, 0);
        if (fd < 0) {
            return fd;
        }
        long result = named(SYS_bind, fd, path);
        if (result >= 0) {
            result = RawSyscall.call(SYS_listen, fd, backlog, 0, 0, 0, 0);
        }
        if (result < 0) {
            HostFiles.close(fd);
            return (int) result;
        }
        return fd;
    }

    /** A Unix socket connected to the listener at {@code path}. */
    public static int connectUnix(String path, int type) {
        int fd = (int) RawSyscall.call(SYS_socket, AF_UNIX, type | CLOEXEC, 0, 0, 0, 0);
        if (fd < 0) {
            return fd;
        }
        long result = named(SYS_connect, fd, path);
        if (result < 0) {
            HostFiles.close(fd);
            return (int) result;
        }
        return fd;
    }

    /** Waits for the next connection. */
    public static int accept(int listener) {
        long fd;
        do {
            fd = RawSyscall.call(SYS_accept4, listener, 0, 0, CLOEXEC, 0, 0);
        } while (fd == -EINTR);
        return (int) fd;
    }

    /** Ends both directions: a thread that blocks in a receive or accept of {@code fd} returns. */
    public static int shutdown(int fd) {
        return (int) RawSyscall.call(SYS_shutdown, fd, SHUT_RDWR, 0, 0, 0, 0);
    }

    /** Sets SO_SNDBUF, as far as the host allows. */
    public static int setSendBuffer(int fd, int bytes) {
        MemorySegment value = HostScratch.structs();
        value.set(JAVA_INT, 0, bytes);
        return (int)
                RawSyscall.call(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDBUF, value.address(), 4, 0);
    }

    /** Sends {@code data[0, length)} and {@code fds}; MSG_NOSIGNAL is added to {@code flags}. */
    public static long sendmsg(int fd, MemorySegment data, long length, int flags, int... fds) {
        return sendmsg(fd, data, length, flags, fds, fds.length);
    }

    /** Sends {@code data[0, length)} and the first {@code count} of {@code fds}. */
    public static long sendmsg(
            int fd, MemorySegment data, long length, int flags, int[] fds, int count) {
        if (count > MAX_FDS || length > data.byteSize()) {
            return -EINVAL;
        }
        MemorySegment scratch = header(data, length);
        if (count > 0) {
            scratch.set(JAVA_LONG, CONTROL, CMSG_HEADER + 4L * count);
            scratch.set(JAVA_INT, CONTROL + 8, SOL_SOCKET);
            scratch.set(JAVA_INT, CONTROL + 12, SCM_RIGHTS);
            for (int i = 0; i < count; i++) {
                scratch.set(JAVA_INT, CONTROL + CMSG_HEADER + 4L * i, fds[i]);
            }
            scratch.set(JAVA_LONG, 32, scratch.address() + CONTROL);
            scratch.set(JAVA_LONG, 40, CMSG_HEADER + (4L * count + 7 & ~7L));
        }
        long result;
        do {
            result =
                    RawSyscall.call(
                            SYS_sendmsg, fd, scratch.address(), flags | MSG_NOSIGNAL, 0, 0, 0);
        } while (result == -EINTR);
        return result;
    }

    /**
     * Receives into {@code data}; the descriptors that came go to {@code fds}, the rest of which is set to -1. Returns 0 at the end, {@code -EMSGSIZE} where a
     * message or its descriptors did not fit (they are closed then).
     */
    public static long recvmsg(int fd, MemorySegment data, int flags, int[] fds) {
        MemorySegment scratch = header(data, data.byteSize());
        int room = Math.min(fds.length, MAX_FDS);
        if (room > 0) {
            scratch.set(JAVA_LONG, 32, scratch.address() + CONTROL);
            scratch.set(JAVA_LONG, 40, CMSG_HEADER + (4L * room + 7 & ~7L));
        }
        long result;
        do {
            result =
                    RawSyscall.call(
                            SYS_recvmsg, fd, scratch.address(), flags | MSG_CMSG_CLOEXEC, 0, 0, 0);
        } while (result == -EINTR);
        for (int i = 0; i < fds.length; i++) {
            fds[i] = -1;
        }
        if (result < 0) {
            return result;
        }
        boolean truncated = (scratch.get(JAVA_INT, 48) & (MSG_TRUNC | MSG_CTRUNC)) != 0;
        // room is rounded up to eight bytes by the control length, so one descriptor more than
        // asked for may come
        truncated |= room > 0 && rights(scratch, fds);
        if (truncated) {
            for (int i = 0; i < fds.length; i++) {
                if (fds[i] >= 0) {
                    HostFiles.close(fds[i]);
                    fds[i] = -1;
                }
            }
            return -EMSGSIZE;
        }
        return result;
    }

    private static boolean rights(MemorySegment scratch, int[] fds) {
        if (scratch.get(JAVA_LONG, 40) < CMSG_HEADER
                || scratch.get(JAVA_INT, CONTROL + 8) != SOL_SOCKET
                || scratch.get(JAVA_INT, CONTROL + 12) != SCM_RIGHTS) {
            return false;
        }
        int count = (int) ((scratch.get(JAVA_LONG, CONTROL) - CMSG_HEADER) / 4);
        boolean excess = false;
        for (int i = 0; i < count; i++) {
            int received = scratch.get(JAVA_INT, CONTROL + CMSG_HEADER + 4L * i);
            if (i < fds.length) {
                fds[i] = received;
            } else {
                excess = true;
                RawSyscall.call(SYS_close, received, 0, 0, 0, 0, 0);
            }
        }
        return excess;
    }

    private static MemorySegment header(MemorySegment data, long length) {
        MemorySegment scratch = HostScratch.structs();
        scratch.asSlice(0, 56).fill((byte) 0);
        scratch.set(JAVA_LONG, IOVEC, data.address());
        scratch.set(JAVA_LONG, IOVEC + 8, length);
        scratch.set(JAVA_LONG, 16, scratch.address() + IOVEC);
        scratch.set(JAVA_LONG, 24, 1);
        return scratch;
    }

    private static long named(int nr, int fd, String path) {
        byte[] bytes = path.getBytes(StandardCharsets.ISO_8859_1);
        if (bytes.length > 107) { // sizeof(sun_path) - 1
            return -ENAMETOOLONG;
        }
        MemorySegment address = HostScratch.structs();
        address.asSlice(0, 112).fill((byte) 0);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(bytes, 0, address, JAVA_BYTE, 2, bytes.length);
        return RawSyscall.call(nr, fd, address.address(), 2 + bytes.length + 1, 0, 0, 0);
    }

    private HostSockets() {}
}
