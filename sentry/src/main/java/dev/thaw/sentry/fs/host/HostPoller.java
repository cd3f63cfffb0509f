package dev.thaw.sentry.fs.host;

import static dev.thaw.abi.Poll.EPOLLONESHOT;
import static dev.thaw.abi.Poll.EPOLL_CTL_ADD;
import static dev.thaw.abi.Poll.EPOLL_CTL_DEL;
import static dev.thaw.abi.Poll.EPOLL_CTL_MOD;
import static dev.thaw.abi.Poll.POLLERR;
import static dev.thaw.abi.Poll.POLLHUP;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.abi.Errno;
import dev.thaw.host.HostPoll;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.wait.WaitQueue;
import java.util.HashMap;
import org.jspecify.annotations.Nullable;

/** One thread that waits for host descriptors and wakes those who wait for them. It starts with the first wait. */
final class HostPoller {
    private static final HostPoller INSTANCE = new HostPoller();

    private static final class Watch {
        private WaitQueue queue;
        private int events;

        private Watch(WaitQueue queue) {
            this.queue = queue;
        }
    }

    private final KernelLock mu = new KernelLock(LockClass.LEAF);

    @GuardedBy("mu")
    private final HashMap<Integer, Watch> watches = new HashMap<>();

    private volatile int epoll = -1;

    /** Wakes {@code queue} once when one of {@code events} holds for {@code fd}. */
    static void arm(int fd, WaitQueue queue, int events) {
        INSTANCE.add(fd, queue, events);
    }

    /** Forgets {@code fd}. */
    static void forget(int fd) {
        INSTANCE.remove(fd);
    }

    private void add(int fd, WaitQueue queue, int events) {
        mu.lock();
        try {
            if (epoll < 0) {
                epoll = HostPoll.create();
                Thread.ofPlatform().daemon().name("host-poller").start(this::run);
            }
            Watch watch = watches.computeIfAbsent(fd, _ -> new Watch(queue));
            watch.queue = queue;
            watch.events |= events;
            int result = HostPoll.control(epoll, EPOLL_CTL_MOD, fd, watch.events | EPOLLONESHOT);
            if (result == -Errno.ENOENT) {
                HostPoll.control(epoll, EPOLL_CTL_ADD, fd, watch.events | EPOLLONESHOT);
            }
        } finally {
            mu.unlock();
        }
    }

    private void remove(int fd) {
        mu.lock();
        try {
            if (watches.remove(fd) != null) {
                HostPoll.control(epoll, EPOLL_CTL_DEL, fd, 0);
            }
        } finally {
            mu.unlock();
        }
    }

    private void run() {
        int[] fds = new int[16];
        int[] events = new int[16];
        while (true) {
            int count = HostPoll.await(epoll, fds, events, -1);
            for (int i = 0; i < count; i++) {
                WaitQueue queue = fired(fds[i], events[i]);
                if (queue != null) {
                    queue.notify(events[i] & 0xffff);
                }
            }
        }
    }

    /** Takes what happened out of what is waited for, and waits on for the rest. */
    private @Nullable WaitQueue fired(int fd, int events) {
        mu.lock();
        try {
            Watch watch = watches.get(fd);
            if (watch == null) {
                return null;
            }
            watch.events &= (events & (POLLERR | POLLHUP)) != 0 ? 0 : ~events;
            if (watch.events != 0) {
                HostPoll.control(epoll, EPOLL_CTL_MOD, fd, watch.events | EPOLLONESHOT);
            }
            return watch.queue;
        } finally {
            mu.unlock();
        }
    }
}
