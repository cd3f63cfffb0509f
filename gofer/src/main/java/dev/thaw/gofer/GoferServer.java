package dev.thaw.gofer;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EMFILE;
import static dev.thaw.gofer.GoferProtocol.MAX_LANES;
import static dev.thaw.gofer.GoferProtocol.MAX_ROOTS;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostSockets;
import dev.thaw.host.Wire;
import dev.thaw.host.WireException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Serves trees of the host to one client: a thread for each lane, the first on the caller's. */
public final class GoferServer {
    private static final long SPIN_NANOS = Long.getLong("thaw.gofer.spin", 20_000);

    private final GoferHandles handles;
    private final AtomicInteger lanes = new AtomicInteger(1);

    /** Serves {@code roots}, whose directory descriptors stand in {@code rootFds}; {@code procFd} is the directory {@code /proc/self/fd} of this process. */
    public GoferServer(List<GoferRoot> roots, List<Integer> rootFds, int procFd) {
        if (roots.isEmpty() || roots.size() > MAX_ROOTS || roots.size() != rootFds.size()) {
            throw new IllegalArgumentException(roots.size() + " roots");
        }
        this.handles = new GoferHandles(roots, rootFds, procFd);
    }

    /** Serves until the client closes {@code socketFd}, which is then closed here too. */
    public void serve(int socketFd) {
        try (Wire wire = new Wire(socketFd);
                GoferSession session = new GoferSession(this, handles, wire)) {
            while (wire.receive(SPIN_NANOS) > 0) {
                if (!answer(wire, session)) {
                    return;
                }
            }
        }
    }

    private static boolean answer(Wire wire, GoferSession session) {
        int id;
        try {
            id = wire.in().i32();
        } catch (WireException e) {
            return false;
        }
        int fd = -1;
        try {
            wire.out().reset().i32(id).i32(0);
            int result;
            try {
                result = session.dispatch(wire.in().u8());
            } catch (WireException e) {
                session.discardFd();
                result = -EINVAL; // the request is cut short, too long, or asks for more than a
                // message holds
            }
            if (result < 0) {
                wire.out().truncate(8);
            }
            wire.out().patchI32(4, result);
            fd = session.takeFd();
            return (fd >= 0 ? wire.send(fd) : wire.send()) >= 0;
        } catch (WireException e) {
            return false;
        } finally {
            if (fd >= 0) {
                HostFiles.close(fd);
            }
        }
    }

    /** Opens one more lane: returns the client's end, or {@code -errno}. */
    int openLane() {
        if (lanes.incrementAndGet() > MAX_LANES) {
            lanes.decrementAndGet();
            return -EMFILE;
        }
        int[] ends = new int[2];
        int result = HostSockets.socketpair(Wire.SOCKET_TYPE, ends);
        if (result < 0) {
            lanes.decrementAndGet();
            return result;
        }
        try {
            Thread.ofPlatform()
                    .daemon()
                    .name("lane")
                    .start(
                            () -> {
                                serve(ends[0]);
                                lanes.decrementAndGet();
                            });
        } catch (OutOfMemoryError e) { // what Java says when no thread can be had
            HostFiles.close(ends[0]);
            HostFiles.close(ends[1]);
            lanes.decrementAndGet();
            return -EAGAIN;
        }
        return ends[1];
    }
}
