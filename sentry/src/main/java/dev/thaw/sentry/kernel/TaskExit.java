package dev.thaw.sentry.kernel;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.signal.SignalAction;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.vfs.FdTable;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/** The end of a task, and of a process with its last task. */
public final class TaskExit {
    /** exit(2): the task leaves at its next safe point with {@code status} (as a wait status). */
    public static void exitTask(Task task, int status) {
        KernelLock lock = task.kernel().tasks().lock();
        lock.lock();
        try {
            task.exitStatus = status;
            task.addWork(Task.WORK_KILL);
        } finally {
            lock.unlock();
        }
    }

    /** exit_group(2). */
    public static void exitGroup(Task task, int status) {
        KernelLock lock = task.kernel().tasks().lock();
        lock.lock();
        try {
            task.threadGroup().beginExitLocked(status);
            task.addWork(Task.WORK_KILL);
        } finally {
            lock.unlock();
        }
    }

    /** What a task leaves in its memory when it goes or changes it: robust futexes and the word that others join it by. */
    static void releaseUserState(Task task) {
        MemoryManager mm = task.mmOrNull();
        if (mm == null) {
            return;
        }
        RobustList.exit(task, mm);
        long address = task.clearChildTid;
        task.clearChildTid = 0;
        if (address != 0 && mm.isShared()) {
            try {
                mm.writeInt(address, 0);
                task.kernel().futexes().wake(task, address, false, 1, -1);
                task.kernel().futexes().wake(task, address, true, 1, -1);
            } catch (ErrnoException e) {
                // The guest unmapped it: nobody can wait there.
            }
        }
    }

    /** Ends a task whose guest thread is closed. Runs on its own thread; it gives back everything the task holds. */
    static void exit(Task task) {
        ThreadGroup group = task.threadGroup();
        Kernel kernel = task.kernel();
        boolean last;
        KernelLock lock = kernel.tasks().lock();
        if (task.dead) {
            return;
        }
        releaseUserState(task);
        TaskClone.releaseVfork(task);
        MemoryManager mm = task.mmOrNull();
        task.setMm(null);
        if (mm != null) {
            mm.close();
        }
        FdTable fds = task.fdsOrNull();
        task.setFds(null);
        if (fds != null) {
            fds.release();
        }
        task.setFs(null);

        lock.lock();
        try {
            task.dead = true;
            group.removeTaskLocked(task);
            group.deadUserTime += task.userTime.get();
            group.deadSystemTime += task.systemTime.get();
            last = group.tasks.length == 0;
            if (task != group.leader) {
                kernel.tasks().removeTaskLocked(task.tid());
            }
            Task executing = group.execTask;
            if (executing != null) {
                executing.waiter().wake(0);
            }
            if (last) {
                processEndsLocked(kernel, group);
            } else {
                kernel.jobControl().checkAllStoppedLocked(group);
                for (Task other : group.tasks) {
                    other.signals()
                            .recalculateLocked(); // pending signals of the process that this task
                    // would have taken
                }
            }
        } finally {
            lock.unlock();
        }
        if (last) {
            group.timers().close();
        }
    }

    private static void processEndsLocked(Kernel kernel, ThreadGroup group) {
        Task leader = group.leader();
        if (!group.exiting) {
            group.exiting = true;
            group.exitStatus = leader.exitStatus;
        }
        group.dead = true;
        group.stopped = false;
        group.stopping = false;
        if (group == kernel.init) {
            for (ThreadGroup other : kernel.tasks().groupsLocked()) {
                if (!other.dead) {
                    other.beginExitLocked(Signals.SIGKILL);
                }
            }
        }
        reparentLocked(kernel, group);
        orphanLocked(kernel, group, group.parent);
        ThreadGroup parent = group.parent;
        if (parent == null) {
            kernel.tasks().removeGroupLocked(group);
        } else {
            notifyParentLocked(kernel, group, parent);
        }
        completeLocked(kernel, group);
    }

    /** Tells whoever waits outside; for init only when the last process is gone. */
    private static void completeLocked(Kernel kernel, ThreadGroup group) {
        ThreadGroup init = kernel.init;
        if (group != init) {
            group.exitFuture().complete(group.exitStatus);
        }
        if (init != null && init.dead) {
            for (ThreadGroup other : kernel.tasks().groupsLocked()) {
                if (!other.dead) {
                    return;
                }
            }
            init.exitFuture().complete(init.exitStatus);
            kernel.ended();
        }
    }

    private static void reparentLocked(Kernel kernel, ThreadGroup group) {
        if (group.children.isEmpty()) {
            return;
        }
        ThreadGroup heir = heirLocked(kernel, group);
        for (ThreadGroup child : new ArrayList<>(group.children)) {
            child.parent = heir;
            orphanLocked(kernel, child, group);
            int signal = child.leader().parentDeathSignal;
            if (signal != 0 && !child.dead) {
                kernel.signals()
                        .sendToGroupLocked(
                                child,
                                SignalInfo.from(
                                        signal,
                                        Signals.SI_USER,
                                        group.pid(),
                                        group.leader().credentials().uid()),
                                true);
            }
            if (heir != null) {
                heir.children.add(child);
                child.exitSignal = Signals.SIGCHLD;
                if (child.dead) {
                    notifyParentLocked(kernel, child, heir);
                }
            } else if (child.dead) {
                kernel.tasks().removeGroupLocked(child);
            }
        }
        group.children.clear();
    }

    private static @Nullable ThreadGroup heirLocked(Kernel kernel, ThreadGroup group) {
        for (ThreadGroup above = group.parent; above != null; above = above.parent) {
            if (above.subreaper && !above.dead && !above.exiting) {
                return above;
            }
        }
        ThreadGroup init = kernel.init;
        return init == null || init == group || init.dead ? null : init;
    }

    /**
     * When {@code process} loses its tie to {@code parent} (one of them ends) and that was the last tie of its process group to the rest of the session, a group with stopped members gets SIGHUP and
     * SIGCONT: nobody could continue it any more (POSIX; Linux: {@code kill_orphaned_pgrp}).
     */
    private static void orphanLocked(
            Kernel kernel, ThreadGroup process, @Nullable ThreadGroup parent) {
        int processGroup = process.processGroup;
        if (parent == null
                || parent.processGroup == processGroup
                || parent.session != process.session) {
            return;
        }
        boolean stopped = false;
        for (ThreadGroup group : kernel.tasks().groupsLocked()) {
            stopped |= group.processGroup == processGroup && group.stopped;
        }
        if (!stopped || !SignalDelivery.orphanedLocked(process)) {
            return;
        }
        for (ThreadGroup group : kernel.tasks().groupsLocked()) {
            if (group.processGroup == processGroup) {
                kernel.signals()
                        .sendToGroupLocked(
                                group, SignalInfo.of(Signals.SIGHUP, Signals.SI_KERNEL), true);
                kernel.signals()
                        .sendToGroupLocked(
                                group, SignalInfo.of(Signals.SIGCONT, Signals.SI_KERNEL), true);
            }
        }
    }

    private static void notifyParentLocked(Kernel kernel, ThreadGroup group, ThreadGroup parent) {
        int signal = group.exitSignal;
        SignalAction action = parent.handlers.get(Signals.SIGCHLD);
        boolean autoReap =
                signal == Signals.SIGCHLD
                        && (action.isIgnore() || action.has(Signals.SA_NOCLDWAIT));
        if (signal != 0 && !(autoReap && action.isIgnore())) {
            int status = group.exitStatus;
            int number = status & 0x7f;
            int code =
                    number == 0
                            ? Signals.CLD_EXITED
                            : (status & SignalDelivery.CORE_FLAG) != 0
                                    ? Signals.CLD_DUMPED
                                    : Signals.CLD_KILLED;
            SignalInfo info =
                    SignalInfo.child(
                            signal,
                            code,
                            group.pid(),
                            group.leader().credentials().uid(),
                            number == 0 ? status >> 8 & 0xff : number,
                            group.userTime() / 10_000_000,
                            group.systemTime() / 10_000_000);
            kernel.signals().sendToGroupLocked(parent, info, true);
        }
        if (autoReap) {
            TaskWait.reapLocked(kernel, parent, group);
        }
        parent.childEvents().notify(1);
    }

    /** The wait status of exit code {@code code}. */
    public static int statusOf(int code) {
        return (code & 0xff) << 8;
    }

    private TaskExit() {}
}
