package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;

/** Timeouts of calls that wait: from guest structures to deadlines, and back to the rest that is left. */
final class Deadlines {
    /** Do not wait at all. */
    static final long NOW = Long.MIN_VALUE;

    /** No deadline. */
    static final long NEVER = Long.MAX_VALUE;

    private static final long SECOND = 1_000_000_000L;

    /** The longest timeout that is told from none: 200 years. */
    private static final long MAX_SECONDS = 200L * 366 * 86400;

    /** For {@code timeout} ns from the call's first start on; negative is never. */
    static long of(Task task, long timeout) {
        return timeout == 0 ? NOW : timeout < 0 ? NEVER : task.deadline(timeout);
    }

    /** For a timeout in ms, negative for none. */
    static long ofMillis(Task task, int millis) {
        return of(task, millis < 0 ? -1 : millis * 1_000_000L);
    }

    /** The ns in the guest's {@code struct timespec}, -1 for a null pointer. */
    static long readTimespec(Task task, long address) throws ErrnoException {
        return address == 0 ? -1 : readTimespecValue(task, address);
    }

    /** The ns in the guest's {@code struct timespec}. */
    static long readTimespecValue(Task task, long address) throws ErrnoException {
        long seconds = task.mm().readLong(address);
        long nanos = task.mm().readLong(address + 8);
        if (seconds < 0 || nanos < 0 || nanos >= SECOND) {
            throw errno(EINVAL);
        }
        return Math.min(seconds, MAX_SECONDS) * SECOND + nanos;
    }

    /** The ns in the guest's {@code struct timeval}, -1 for a null pointer. Microseconds may exceed a second, as in Linux. */
    static long readTimeval(Task task, long address) throws ErrnoException {
        if (address == 0) {
            return -1;
        }
        long seconds = task.mm().readLong(address);
        long micros = task.mm().readLong(address + 8);
        if (seconds < 0 || micros < 0) {
            throw errno(EINVAL);
        }
        return Math.min(seconds + micros / 1_000_000, MAX_SECONDS) * SECOND
                + micros % 1_000_000 * 1000;
    }

    /** Writes what is left until {@code deadline} to a timespec ({@code unit} 1) or timeval (1000). A fault is ignored, as Linux does: the call's result stands. */
    static void writeRest(Task task, long address, long deadline, long unit) {
        long left = deadline == NOW ? 0 : Math.max(0, deadline - task.kernel().clock().monotonic());
        try {
            task.mm().writeLong(address, left / SECOND);
            task.mm().writeLong(address + 8, left % SECOND / unit);
        } catch (ErrnoException e) {
            return; // read-only memory: nothing is told
        }
    }

    private Deadlines() {}
}
