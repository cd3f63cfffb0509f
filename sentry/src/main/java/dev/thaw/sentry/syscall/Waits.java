package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.ETIMEDOUT;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.FileDescription;

/** Makes an operation that would block wait for its file. */
final class Waits {
    /** One attempt: a result, or {@code -EAGAIN}. */
    @FunctionalInterface
    interface Attempt {
        long run() throws ErrnoException;
    }

    /** Attempts until the result is not {@code -EAGAIN}, waiting for {@code mask} on {@code file} in between; {@code -EAGAIN} when {@code deadline} is past, {@code -ERESTARTSYS} when interrupted. */
    static long until(Task task, FileDescription file, int mask, long deadline, Attempt attempt)
            throws ErrnoException {
        long result = attempt.run();
        if (result != -EAGAIN || deadline == Deadlines.NOW) {
            return result;
        }
        Task.TaskWaiter waiter = task.waiter();
        file.addWaiter(waiter, mask);
        try {
            while (true) {
                waiter.clear();
                result = attempt.run();
                if (result != -EAGAIN) {
                    return result;
                }
                int blocked = task.block(deadline);
                if (blocked != 0) {
                    return blocked == -ETIMEDOUT ? -EAGAIN : blocked;
                }
            }
        } finally {
            file.removeWaiter(waiter);
        }
    }

    private Waits() {}
}
