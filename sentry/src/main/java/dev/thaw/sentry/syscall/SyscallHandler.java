package dev.thaw.sentry.syscall;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;

/** One system call: decode arguments, validate, call the object, return. */
@FunctionalInterface
public interface SyscallHandler {
    /** Returns the result, or {@code -errno}, or {@code -ERESTART…}. */
    long call(Task task, SyscallArgs args) throws ErrnoException;
}
