package dev.thaw.gofer;

import static dev.thaw.abi.Errno.EIO;
import static dev.thaw.abi.Errno.ENAMETOOLONG;

import dev.thaw.host.HostSockets;
import dev.thaw.host.Wire;
import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import dev.thaw.host.WireWriter;

/** One connection to the gofer, on which one call at a time is under way. Owned by the thread that acquired it from {@link GoferLanes}. */
final class GoferLane {
    private static final long SPIN_NANOS = Long.getLong("thaw.gofer.spin", 20_000);

    final Wire wire;
    private int id;
    private boolean sent;
    private boolean broken;
    private boolean closed;

    GoferLane(int socket) {
        this.wire = new Wire(socket);
    }

    /** Starts a request. */
    WireWriter begin(int op) throws WireException {
        sent = false;
        return wire.out().reset().i32(++id).u8(op);
    }

    WireWriter out() {
        return wire.out();
    }

    /** The response, after its result. */
    WireReader in() {
        return wire.in();
    }

    /** Sends the request and waits for the result: {@code >= 0} or {@code -errno}. */
    int call() throws WireException {
        if (broken) {
            return -EIO;
        }
        sent = true;
        if (wire.send() < 0 || wire.receive(SPIN_NANOS) <= 0) {
            return broken();
        }
        if (wire.in().i32() != id) {
            return broken();
        }
        return wire.in().i32();
    }

    /** As {@link #call} for an operation whose result is a descriptor. */
    int callForFd() throws WireException {
        int result = call();
        if (result < 0) {
            return result;
        }
        int fd = wire.takeFd(0);
        return fd >= 0 ? fd : broken();
    }

    /** What a malformed message means: a request too long for the wire is the caller's error; a bad response ends the lane. */
    int failed(Exception cause) {
        return sent ? broken() : -ENAMETOOLONG;
    }

    /** Closes the socket; later calls fail. */
    void close() {
        if (!closed) {
            closed = true;
            broken = true;
            wire.close();
        }
    }

    private int broken() {
        broken = true;
        HostSockets.shutdown(wire.socket());
        return -EIO;
    }
}
