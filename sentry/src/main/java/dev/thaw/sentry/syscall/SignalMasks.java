package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;

/** The signal mask argument of ppoll, pselect6, epoll_pwait. */
final class SignalMasks {
    private static final int SIZE = 8;

    /** Blocks the guest's mask at {@code address} until the call is over; nothing for a null pointer. */
    static void swap(Task task, long address, long size) throws ErrnoException {
        if (address == 0) {
            return;
        }
        if (size != SIZE) {
            throw errno(EINVAL);
        }
        task.setTemporarySignalMask(task.mm().readLong(address));
    }

    /** Reads a mask for signalfd. */
    static long read(Task task, long address, long size) throws ErrnoException {
        if (size != SIZE) {
            throw errno(EINVAL);
        }
        return task.mm().readLong(address);
    }

    private SignalMasks() {}
}
