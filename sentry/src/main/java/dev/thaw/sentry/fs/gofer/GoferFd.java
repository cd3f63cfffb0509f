package dev.thaw.sentry.fs.gofer;

import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;

/** A donated descriptor of one file, opened when first needed and kept: later opens of the file cost no round trip. */
final class GoferFd {
    static final int GONE = -1;
    static final int BUSY = -2;

    private final KernelLock mu = new KernelLock(LockClass.GOFER_CLIENT);
    private final GoferFile file;
    private final int flags;
    private int fd = -1;
    private int users;

    GoferFd(GoferFile file, int flags) {
        this.file = file;
        this.flags = flags;
    }

    /** The descriptor, in use until {@link #leave}. */
    int enter() throws ErrnoException {
        boolean opened = false;
        int result;
        mu.lock();
        try {
            if (fd < 0) {
                int made = file.openHost(flags);
                if (made < 0) {
                    throw errno(-made);
                }
                fd = made;
                opened = true;
            }
            users++;
            result = fd;
        } finally {
            mu.unlock();
        }
        if (opened) {
            file.goferFs().fds().add(this);
        }
        return result;
    }

    /** Takes over a descriptor that a creation gave. */
    void adopt(int made) {
        mu.lock();
        try {
            fd = made;
        } finally {
            mu.unlock();
        }
        file.goferFs().fds().add(this);
    }

    void leave() {
        mu.lock();
        try {
            users--;
        } finally {
            mu.unlock();
        }
    }

    /** Gives the descriptor up if nobody uses it, for the caller to close. */
    int takeIfIdle() {
        mu.lock();
        try {
            if (users > 0 || file.mustKeepFd()) {
                return BUSY;
            }
            int idle = fd;
            fd = -1;
            return idle;
        } finally {
            mu.unlock();
        }
    }
}
