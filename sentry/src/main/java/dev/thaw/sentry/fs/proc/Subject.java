package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;
import org.jspecify.annotations.Nullable;

/** Whom a directory of procfs is about: a process, or with {@code thread} one of its threads. */
record Subject(ThreadGroup group, @Nullable Task thread) {
    private static final int CAP_SYS_PTRACE = 19;

    /** The task that stands for the subject: of a process the leader, or a live thread when that has exited. */
    Task task() {
        if (thread != null) {
            return thread;
        }
        Task leader = group.leader();
        if (leader.mmOrNull() == null) {
            for (Task task : group.tasks()) {
                if (task.mmOrNull() != null) {
                    return task;
                }
            }
        }
        return leader;
    }

    int id() {
        return thread != null ? thread.tid() : group.pid();
    }

    /** Whether it was waited for and is no more. */
    boolean isGone() {
        if (group.kernel().tasks().group(group.pid()) != group) {
            return true;
        }
        return thread != null && group.kernel().tasks().task(thread.tid()) != thread;
    }

    /** ESRCH once the process is gone. */
    void checkAlive() throws ErrnoException {
        if (isGone()) {
            throw errno(ESRCH);
        }
    }

    /** Whether {@code who} may look into the process's memory and descriptors (ptrace(2), PTRACE_MODE_READ). Null is the Sentry itself. */
    boolean permits(@Nullable Task who) {
        if (who == null || who.threadGroup() == group) {
            return true;
        }
        Credentials a = who.credentials();
        Credentials b = task().credentials();
        boolean same =
                a.fsuid() == b.uid()
                        && a.fsuid() == b.euid()
                        && a.fsuid() == b.suid()
                        && a.fsgid() == b.gid()
                        && a.fsgid() == b.egid()
                        && a.fsgid() == b.sgid();
        return same || a.has(CAP_SYS_PTRACE);
    }

    void check(@Nullable Task who) throws ErrnoException {
        checkAlive();
        if (!permits(who)) {
            throw errno(EACCES);
        }
    }
}
