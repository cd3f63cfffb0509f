package dev.thaw.gofer;

import static dev.thaw.gofer.GoferProtocol.MAX_LANES;
import static dev.thaw.gofer.GoferProtocol.OP_LANE;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.host.HostSockets;
import dev.thaw.host.WireException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The lanes of one client: the first is the socket it was given; whoever gives a lane back while others wait asks for one more first. */
final class GoferLanes {
    private final ReentrantLock mu = new ReentrantLock();
    private final Condition freed = mu.newCondition();

    /** The lane used last is used next: its memory and its server thread are warm. */
    @GuardedBy("mu")
    private final ArrayDeque<GoferLane> idle = new ArrayDeque<>();

    @GuardedBy("mu")
    private final List<GoferLane> all = new ArrayList<>();

    @GuardedBy("mu")
    private int waiters;

    GoferLanes(int socketFd) {
        GoferLane first = new GoferLane(socketFd);
        idle.add(first);
        all.add(first);
    }

    /** A lane for one call of this thread. On a lane whose gofer is gone, calls fail with EIO. */
    GoferLane acquire() {
        mu.lock();
        try {
            while (true) {
                GoferLane lane = idle.pollFirst();
                if (lane != null) {
                    return lane;
                }
                waiters++;
                try {
                    freed.awaitUninterruptibly();
                } finally {
                    waiters--;
                }
            }
        } finally {
            mu.unlock();
        }
    }

    /** Ends this thread's use of {@code lane}. */
    void release(GoferLane lane) {
        GoferLane more = isCrowded() ? open(lane) : null;
        mu.lock();
        try {
            idle.addFirst(lane);
            freed.signal();
            if (more != null) {
                if (all.size() < MAX_LANES) {
                    all.add(more);
                    idle.addFirst(more);
                    freed.signal();
                } else {
                    more.wire.close();
                }
            }
        } finally {
            mu.unlock();
        }
    }

    private boolean isCrowded() {
        mu.lock();
        try {
            return waiters > 0 && all.size() < MAX_LANES;
        } finally {
            mu.unlock();
        }
    }

    private static @Nullable GoferLane open(GoferLane lane) {
        try {
            lane.begin(OP_LANE);
            int fd = lane.callForFd();
            return fd < 0 ? null : new GoferLane(fd);
        } catch (WireException e) {
            lane.failed(e);
            return null;
        }
    }

    /** Shuts every lane down: calls under way fail with EIO. Descriptors of idle lanes are closed; a busy one's ends with the process. */
    void close() {
        mu.lock();
        try {
            for (GoferLane lane : all) {
                HostSockets.shutdown(lane.wire.socket());
            }
            for (GoferLane lane : idle) {
                lane.close();
            }
        } finally {
            mu.unlock();
        }
    }
}
