package dev.thaw.sentry.fs.gofer;

import dev.thaw.host.HostFiles;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import java.util.ArrayDeque;

/** Keeps the number of donated descriptors in bounds: when there are too many, those that were opened first and that nobody uses are closed; their files ask for new ones when read again. */
final class DonatedFds {
    private static final int MAX_OPEN = 768;

    private final KernelLock mu = new KernelLock(LockClass.LEAF);
    private final ArrayDeque<GoferFd> open = new ArrayDeque<>();

    void add(GoferFd fd) {
        mu.lock();
        try {
            open.addLast(fd);
        } finally {
            mu.unlock();
        }
        for (int tries = 0; tries < 8; tries++) {
            GoferFd oldest;
            mu.lock();
            try {
                if (open.size() <= MAX_OPEN) {
                    return;
                }
                oldest = open.removeFirst();
            } finally {
                mu.unlock();
            }
            int closed = oldest.takeIfIdle();
            if (closed >= 0) {
                HostFiles.close(closed);
            } else if (closed == GoferFd.BUSY) {
                mu.lock();
                try {
                    open.addLast(oldest);
                } finally {
                    mu.unlock();
                }
            }
        }
    }
}
