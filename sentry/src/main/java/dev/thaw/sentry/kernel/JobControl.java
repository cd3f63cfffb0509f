package dev.thaw.sentry.kernel;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.signal.SignalInfo;

/** Stops and continues processes (SIGSTOP, SIGCONT), and tells the parents. */
final class JobControl {
    private final Kernel kernel;
    private final KernelLock lock;

    JobControl(Kernel kernel) {
        this.kernel = kernel;
        this.lock = kernel.tasks().lock();
    }

    /** Begins to stop the process of {@code task} by {@code signal}: each of its tasks parks at its safe point. */
    void stopGroupLocked(ThreadGroup group, int signal) {
        if (group.exiting || group.dead) {
            return;
        }
        group.stopping = true;
        group.stopSignal = signal;
        for (Task task : group.tasks) {
            task.addWork(Task.WORK_STOP);
        }
    }

    /** SIGCONT was sent. */
    void continueLocked(ThreadGroup group) {
        boolean wasStopped = group.stopped;
        if (!group.stopping && !wasStopped) {
            return;
        }
        group.stopping = false;
        group.stopped = false;
        for (Task task : group.tasks) {
            task.clearWork(Task.WORK_STOP);
            task.waiter().wake(0);
        }
        if (wasStopped) {
            group.continueReported = false;
            group.stopReported = true;
            notifyParentLocked(group, Signals.CLD_CONTINUED, Signals.SIGCONT);
        }
    }

    /** Parks the calling task until its process goes on, is paused or killed. */
    void stopTask(Task task) {
        ThreadGroup group = task.threadGroup();
        lock.lock();
        try {
            if (!group.stopping && !group.stopped) {
                task.clearWork(Task.WORK_STOP);
                return;
            }
            task.parkedForStop = true;
            checkAllStoppedLocked(group);
        } finally {
            lock.unlock();
        }
        while (true) {
            task.waiter().clear();
            int work = task.work();
            if ((work & Task.WORK_STOP) == 0 || (work & (Task.WORK_KILL | Task.WORK_PAUSE)) != 0) {
                break;
            }
            task.block(Task.WORK_KILL | Task.WORK_PAUSE, Long.MAX_VALUE);
        }
        task.parkedForStop = false;
    }

    /** Whether all tasks have parked (or are gone): then the process counts as stopped. */
    void checkAllStoppedLocked(ThreadGroup group) {
        if (!group.stopping || group.stopped) {
            return;
        }
        for (Task task : group.tasks) {
            if (!task.parkedForStop) {
                return;
            }
        }
        if (group.tasks.length == 0) {
            return;
        }
        group.stopping = false;
        group.stopped = true;
        group.stopReported = false;
        group.continueReported = true;
        notifyParentLocked(group, Signals.CLD_STOPPED, group.stopSignal);
    }

    private void notifyParentLocked(ThreadGroup group, int code, int status) {
        ThreadGroup parent = group.parent;
        if (parent == null) {
            return;
        }
        if (!parent.handlers.get(Signals.SIGCHLD).has(Signals.SA_NOCLDSTOP)) {
            SignalInfo info =
                    SignalInfo.child(
                            Signals.SIGCHLD,
                            code,
                            group.pid(),
                            group.leader().credentials().uid(),
                            status,
                            group.userTime() / 10_000_000,
                            group.systemTime() / 10_000_000);
            kernel.signals().sendToGroupLocked(parent, info, true);
        }
        parent.childEvents().notify(1);
    }
}
