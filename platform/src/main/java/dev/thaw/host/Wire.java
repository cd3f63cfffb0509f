package dev.thaw.host;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Socket.MSG_DONTWAIT;
import static dev.thaw.abi.Socket.SOCK_SEQPACKET;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One end of a connection that carries messages: a Unix socket of type SOCK_SEQPACKET, so that a message comes whole or not at all and its descriptors belong to
 * it. One thread at a time sends or receives. A message is written to {@link #out} and sent; a received one is read from {@link #in}.
 */
public final class Wire implements AutoCloseable {
    /** The longest message; it fits the default send buffer of a socket (212 992 bytes). */
    public static final int MAX_MESSAGE = 128 << 10;

    /** The type that both ends of the socket must have. */
    public static final int SOCKET_TYPE = SOCK_SEQPACKET;

    private final int socket;
    private final MemorySegment inbound;
    private final WireWriter out;
    private final WireReader in;
    private final int[] received = {-1, -1, -1, -1};
    private boolean closed;

    public Wire(int socket) {
        this.socket = socket;
        this.inbound = Arena.ofAuto().allocate(MAX_MESSAGE, 8);
        this.out = new WireWriter(Arena.ofAuto().allocate(MAX_MESSAGE, 8));
        this.in = new WireReader(inbound);
    }

    /** The message to be sent next. */
    public WireWriter out() {
        return out;
    }

    /** The message received last. */
    public WireReader in() {
        return in;
    }

    /** The socket's descriptor. */
    public int socket() {
        return socket;
    }

    /** Sends {@link #out} with {@code fds}; the descriptors stay the caller's. Returns 0 or {@code -errno}. */
    public int send(int... fds) {
        long sent = HostSockets.sendmsg(socket, out.segment(), out.size(), 0, fds);
        return sent < 0 ? (int) sent : 0;
    }

    /** Waits for a message, first in a loop for about {@code spinNanos}, then asleep. Returns its length, 0 when the peer is gone, or {@code -errno}. */
    public int receive(long spinNanos) {
        dropReceived();
        long length = -EAGAIN;
        if (spinNanos > 0) {
            long end = System.nanoTime() + spinNanos;
            do {
                length = HostSockets.recvmsg(socket, inbound, MSG_DONTWAIT, received);
                if (length != -EAGAIN) {
                    break;
                }
                Thread.onSpinWait();
            } while (System.nanoTime() - end < 0);
        }
        if (length == -EAGAIN) {
            length = HostSockets.recvmsg(socket, inbound, 0, received);
        }
        in.reset(Math.max(0, length));
        return (int) length;
    }

    /** Takes over the {@code index}-th descriptor of the message received last; -1 where none came. Those not taken are closed by the next receive. */
    public int takeFd(int index) {
        int fd = received[index];
        received[index] = -1;
        return fd;
    }

    /** Closes the socket and descriptors that came and were not taken. */
    @Override
    public void close() {
        if (!closed) { // the number may be another's by the second time
            closed = true;
            dropReceived();
            HostFiles.close(socket);
        }
    }

    private void dropReceived() {
        for (int i = 0; i < received.length; i++) {
            if (received[i] >= 0) {
                HostFiles.close(received[i]);
            }
            received[i] = -1;
        }
    }
}
