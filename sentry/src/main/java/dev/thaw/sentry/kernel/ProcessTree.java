package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;

/** Process groups and sessions. */
public final class ProcessTree {
    /** setpgid(2). */
    public static long setProcessGroup(Task task, int pid, int processGroup) throws ErrnoException {
        TaskSet tasks = task.kernel().tasks();
        ThreadGroup caller = task.threadGroup();
        KernelLock lock = tasks.lock();
        lock.lock();
        try {
            ThreadGroup target = pid == 0 ? caller : tasks.groupLocked(pid);
            if (target == null || target != caller && target.parent != caller) {
                throw errno(ESRCH);
            }
            if (target != caller) {
                if (target.session != caller.session) {
                    throw errno(EPERM);
                }
                if (target.hasExeced) {
                    throw errno(EACCES);
                }
            }
            if (target.session == target.pid()) {
                throw errno(EPERM);
            }
            int wanted = processGroup == 0 ? target.pid() : processGroup;
            if (wanted != target.pid() && !groupInSessionLocked(tasks, wanted, caller.session)) {
                throw errno(EPERM);
            }
            target.processGroup = wanted;
            return 0;
        } finally {
            lock.unlock();
        }
    }

    private static boolean groupInSessionLocked(TaskSet tasks, int processGroup, int session) {
        for (ThreadGroup group : tasks.groupsLocked()) {
            if (group.processGroup == processGroup && group.session == session) {
                return true;
            }
        }
        return false;
    }

    /** setsid(2): returns the new session's id. */
    public static long newSession(Task task) throws ErrnoException {
        TaskSet tasks = task.kernel().tasks();
        ThreadGroup caller = task.threadGroup();
        KernelLock lock = tasks.lock();
        lock.lock();
        try {
            for (ThreadGroup group : tasks.groupsLocked()) {
                if (group.processGroup == caller.pid()) {
                    throw errno(EPERM);
                }
            }
            caller.session = caller.pid();
            caller.processGroup = caller.pid();
            return caller.pid();
        } finally {
            lock.unlock();
        }
    }

    private ProcessTree() {}
}
