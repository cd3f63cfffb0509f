package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ESRCH;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.signal.SignalAction;
import dev.thaw.sentry.signal.SignalHandlers;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.signal.SignalSet;
import org.jspecify.annotations.Nullable;

/** Sends signals to tasks, processes and groups (Linux: {@code kernel/signal.c}). */
public final class SignalSender {
    private static final int CAP_KILL = 5;

    private final Kernel kernel;
    private final KernelLock lock;

    SignalSender(Kernel kernel) {
        this.kernel = kernel;
        this.lock = kernel.tasks().lock();
    }

    /** Sends to one task. {@code fromKernel}: no permission question and no protection of init. Returns 0 or -EAGAIN when the queue is full. */
    public int sendToTask(Task task, SignalInfo info, boolean fromKernel) {
        lock.lock();
        try {
            return sendLocked(task.threadGroup(), task, info, fromKernel);
        } finally {
            lock.unlock();
        }
    }

    /** Sends to a process: any of its tasks may take it. */
    public int sendToGroup(ThreadGroup group, SignalInfo info, boolean fromKernel) {
        lock.lock();
        try {
            return sendLocked(group, null, info, fromKernel);
        } finally {
            lock.unlock();
        }
    }

    int sendToGroupLocked(ThreadGroup group, SignalInfo info, boolean fromKernel) {
        return sendLocked(group, null, info, fromKernel);
    }

    /** Sends to each process of a process group; for terminals. */
    public void sendToProcessGroup(int processGroup, int signal) {
        lock.lock();
        try {
            for (ThreadGroup group : kernel.tasks().groupsLocked()) {
                if (group.processGroup == processGroup) {
                    sendLocked(group, null, SignalInfo.of(signal, Signals.SI_KERNEL), true);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** rt_sigaction(2): sets the action; signals that are ignored from now on are dropped. Returns the old action. */
    public SignalAction setAction(Task task, int signal, SignalAction action) {
        lock.lock();
        try {
            ThreadGroup group = task.threadGroup();
            SignalAction old = group.handlers.set(signal, action);
            if (group.handlers.ignores(signal)) {
                discardLocked(group, SignalSet.bit(signal));
            }
            return old;
        } finally {
            lock.unlock();
        }
    }

    /** Ends a process without asking. */
    public void killGroup(ThreadGroup group, int status) {
        lock.lock();
        try {
            if (!group.dead) {
                group.beginExitLocked(status);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Delivers a fault of the task's own: not to be blocked or ignored (Linux: {@code force_sig_info}). On the task's thread. */
    void force(Task task, SignalInfo info, long trapNumber, long errorCode) {
        int signal = info.signal();
        lock.lock();
        try {
            SignalHandlers handlers = task.threadGroup().handlers;
            SignalAction action = handlers.get(signal);
            boolean blocked = SignalSet.contains(task.signals().mask(), signal);
            if (blocked || action.isIgnore()) {
                handlers.set(signal, SignalAction.DEFAULT);
                action = SignalAction.DEFAULT;
            }
            if (action.isDefault()) {
                task.threadGroup().unkillable = false;
            }
            task.signals()
                    .setFault(
                            trapNumber, errorCode, signal == Signals.SIGSEGV ? info.address() : 0);
            task.signals().pending.add(info);
            task.signals().unblockLocked(signal);
        } finally {
            lock.unlock();
        }
    }

    /** kill(2): {@code pid} as there. Returns 0 or -errno. */
    public int kill(Task sender, int pid, int signal, SignalInfo info) {
        lock.lock();
        try {
            if (pid > 0) {
                ThreadGroup group = kernel.tasks().groupLocked(pid);
                if (group == null) {
                    Task thread = kernel.tasks().taskLocked(pid);
                    if (thread == null) {
                        return -ESRCH;
                    }
                    group = thread.threadGroup();
                }
                return checkedSendLocked(sender, group, null, signal, info);
            }
            int count = 0;
            int sent = 0;
            int error = -ESRCH;
            int wanted = pid == 0 ? sender.threadGroup().processGroup : -pid;
            for (ThreadGroup group : kernel.tasks().groupsLocked()) {
                boolean match =
                        pid == -1
                                ? group.pid() != 1 && group != sender.threadGroup()
                                : group.processGroup == wanted;
                if (match) {
                    count++;
                    int result = checkedSendLocked(sender, group, null, signal, info);
                    if (result == 0) {
                        sent++;
                    } else {
                        error = result;
                    }
                }
            }
            return sent > 0 ? 0 : count == 0 ? -ESRCH : error;
        } finally {
            lock.unlock();
        }
    }

    /** tgkill(2); {@code tgid} -1 for tkill(2). */
    public int killThread(Task sender, int tgid, int tid, int signal, SignalInfo info) {
        lock.lock();
        try {
            Task target = kernel.tasks().taskLocked(tid);
            if (target == null || target.dead || tgid != -1 && target.threadGroup().pid() != tgid) {
                return -ESRCH;
            }
            return checkedSendLocked(sender, target.threadGroup(), target, signal, info);
        } finally {
            lock.unlock();
        }
    }

    private int checkedSendLocked(
            Task sender, ThreadGroup group, @Nullable Task target, int signal, SignalInfo info) {
        if (!mayKill(sender, target == null ? group.leader() : target, signal)) {
            return -EPERM;
        }
        return signal == 0 || group.dead ? 0 : sendLocked(group, target, info, false);
    }

    private static boolean mayKill(Task sender, Task target, int signal) {
        if (sender.threadGroup() == target.threadGroup()) {
            return true;
        }
        Credentials from = sender.credentials();
        Credentials to = target.credentials();
        return from.euid() == to.suid()
                || from.euid() == to.uid()
                || from.uid() == to.suid()
                || from.uid() == to.uid()
                || from.has(CAP_KILL)
                || signal == Signals.SIGCONT
                        && sender.threadGroup().session == target.threadGroup().session;
    }

    private int sendLocked(
            ThreadGroup group, @Nullable Task target, SignalInfo info, boolean fromKernel) {
        int signal = info.signal();
        if (group.dead || group.exiting || target != null && target.dead) {
            return 0;
        }
        if (SignalSet.contains(SignalSet.STOP, signal)) {
            discardLocked(group, SignalSet.bit(Signals.SIGCONT));
        } else if (signal == Signals.SIGCONT) {
            discardLocked(group, SignalSet.STOP);
            kernel.jobControl().continueLocked(group);
        }
        boolean protectedInit =
                group.unkillable
                        && !(fromKernel
                                && (signal == Signals.SIGKILL || signal == Signals.SIGSTOP));
        if (signal == Signals.SIGKILL) {
            if (!protectedInit) {
                group.beginExitLocked(Signals.SIGKILL);
            }
            return 0;
        }
        Task probe = target != null ? target : anyTask(group, signal);
        if (probe == null) {
            return 0;
        }
        boolean held =
                SignalSet.contains(probe.signals().mask() | probe.signals().wanted(), signal);
        if (!held
                && (group.handlers.ignores(signal)
                        || protectedInit && group.handlers.get(signal).isDefault())) {
            return 0;
        }
        boolean room = (target != null ? target.signals().pending : group.pending).add(info);
        if (!room) {
            return info.code() == Signals.SI_USER ? 0 : -EAGAIN;
        }
        if (target != null) {
            target.signals().recalculateLocked();
        } else {
            wakeOneLocked(group, probe, signal);
        }
        group.signalQueue().notify(0x41); // POLLIN | POLLRDNORM
        return 0;
    }

    /** The task that should take a signal sent to the process: the leader if it does not block it, else the first that does not. */
    private static @Nullable Task anyTask(ThreadGroup group, int signal) {
        Task[] tasks = group.tasks;
        Task leader = group.leader;
        if (leader != null && !leader.dead && wants(leader, signal)) {
            return leader;
        }
        for (Task task : tasks) {
            if (wants(task, signal)) {
                return task;
            }
        }
        return tasks.length == 0 ? null : tasks[0];
    }

    private static boolean wants(Task task, int signal) {
        return SignalSet.contains(~task.signals().mask() | task.signals().wanted(), signal);
    }

    private static void wakeOneLocked(ThreadGroup group, Task first, int signal) {
        if (wants(first, signal)) {
            first.addWork(Task.WORK_SIGNAL);
            return;
        }
        for (Task task : group.tasks) {
            task.signals().recalculateLocked();
        }
    }

    private static void discardLocked(ThreadGroup group, long set) {
        group.pending.discard(set);
        for (Task task : group.tasks) {
            task.signals().pending.discard(set);
            task.signals().recalculateLocked();
        }
    }
}
