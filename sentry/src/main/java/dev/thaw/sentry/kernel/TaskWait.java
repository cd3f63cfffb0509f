package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Clone.*;
import static dev.thaw.abi.Errno.ECHILD;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.wait.WaitQueue;

/** wait4(2), waitid(2): waits for children to change state. */
public final class TaskWait {
    /** What was found. {@code code} is a CLD_ code and {@code status} the exit code or signal, as waitid reports; {@code waitStatus} as wait4 does. */
    public static final class Result {
        public int pid;
        public int uid;
        public int code;
        public int status;
        public int waitStatus;
        public long userTime;
        public long systemTime;
    }

    private static final long NOTHING = -1000;

    private final Task task;
    private final int idType;
    private final int id;
    private final int options;
    private final Result result;

    public TaskWait(Task task, int idType, int id, int options, Result result) {
        this.task = task;
        this.idType = idType;
        this.id = id;
        this.options = options;
        this.result = result;
    }

    /** Returns the child's pid, 0 (WNOHANG), {@code -ECHILD} or {@code -ERESTARTSYS}. */
    public long await() {
        WaitQueue queue = task.threadGroup().childEvents();
        long found = poll();
        if (found != NOTHING) {
            return found;
        }
        queue.add(task.waiter(), 1);
        try {
            while (true) {
                task.waiter().clear();
                found = poll();
                if (found != NOTHING) {
                    return found;
                }
                int blocked = task.block(Long.MAX_VALUE);
                if (blocked != 0) {
                    return blocked;
                }
            }
        } finally {
            queue.remove(task.waiter());
        }
    }

    /** {@link #NOTHING} when there is a child to wait for but nothing to report. */
    private long poll() {
        Kernel kernel = task.kernel();
        ThreadGroup group = task.threadGroup();
        KernelLock lock = kernel.tasks().lock();
        lock.lock();
        try {
            boolean any = false;
            for (int i = 0; i < group.children.size(); i++) {
                ThreadGroup child = group.children.get(i);
                if (!matches(child)) {
                    continue;
                }
                any = true;
                if (child.dead && (options & WEXITED) != 0) {
                    fillExit(child);
                    if ((options & WNOWAIT) == 0) {
                        reapLocked(kernel, group, child);
                    }
                    return result.pid;
                }
                if (child.stopped && !child.stopReported && (options & WSTOPPED) != 0) {
                    child.stopReported = (options & WNOWAIT) == 0;
                    fill(
                            child,
                            Signals.CLD_STOPPED,
                            child.stopSignal,
                            child.stopSignal << 8 | 0x7f);
                    return result.pid;
                }
                if (!child.continueReported && (options & WCONTINUED) != 0) {
                    child.continueReported = (options & WNOWAIT) == 0;
                    fill(child, Signals.CLD_CONTINUED, Signals.SIGCONT, 0xffff);
                    return result.pid;
                }
            }
            if (!any) {
                return -ECHILD;
            }
            return (options & WNOHANG) != 0 ? 0 : NOTHING;
        } finally {
            lock.unlock();
        }
    }

    private boolean matches(ThreadGroup child) {
        boolean mine =
                switch (idType) {
                    case P_PID -> child.pid() == id;
                    case P_PGID -> child.processGroup == id;
                    default -> true;
                };
        if (!mine) {
            return false;
        }
        boolean cloned = child.exitSignal != Signals.SIGCHLD;
        return (options & __WALL) != 0 || cloned == ((options & __WCLONE) != 0);
    }

    private void fillExit(ThreadGroup child) {
        int status = child.exitStatus;
        int signal = status & 0x7f;
        int code =
                signal == 0
                        ? Signals.CLD_EXITED
                        : (status & SignalDelivery.CORE_FLAG) != 0
                                ? Signals.CLD_DUMPED
                                : Signals.CLD_KILLED;
        fill(child, code, signal == 0 ? status >> 8 & 0xff : signal, status);
    }

    private void fill(ThreadGroup child, int code, int status, int waitStatus) {
        result.pid = child.pid();
        result.uid = child.leader().credentials().uid();
        result.code = code;
        result.status = status;
        result.waitStatus = waitStatus;
        result.userTime = child.userTime() + child.childUserTime;
        result.systemTime = child.systemTime() + child.childSystemTime;
    }

    /** Forgets a zombie: its times go to the parent, its id is free. */
    static void reapLocked(Kernel kernel, ThreadGroup parent, ThreadGroup child) {
        parent.children.remove(child);
        parent.childUserTime += child.userTime() + child.childUserTime;
        parent.childSystemTime += child.systemTime() + child.childSystemTime;
        kernel.tasks().removeGroupLocked(child);
    }
}
