package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Errno.EINTR;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Resource;
import dev.thaw.abi.Signals;
import dev.thaw.platform.Registers;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.signal.SignalAction;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.signal.SignalSet;

/** Takes a task's pending signals at its safe point and acts on them (Linux: {@code get_signal}, {@code handle_signal}). */
final class SignalDelivery {
    /** Set in a wait status when the process dumped core. */
    static final int CORE_FLAG = 0x80;

    /** Acts on one pending signal. Returns false when the task is to exit. */
    static boolean deliver(Task task) {
        ThreadGroup group = task.threadGroup();
        KernelLock lock = task.kernel().tasks().lock();
        SignalInfo info;
        SignalAction action;
        lock.lock();
        try {
            if ((task.work() & Task.WORK_KILL) != 0) {
                return false;
            }
            TaskSignals signals = task.signals();
            info = signals.pending.take(signals.mask());
            if (info == null) {
                info = group.pending.take(signals.mask());
            }
            signals.recalculateLocked();
            if (info == null) {
                task.clearWork(Task.WORK_SIGNAL);
                return true;
            }
            group.signalTakenLocked(info);
            int signal = info.signal();
            action = group.handlers.get(signal);
            if (action.isIgnore()) {
                return true;
            }
            if (action.isDefault()) {
                return defaultLocked(task, group, signal);
            }
            if (action.has(Signals.SA_RESETHAND)) {
                group.handlers.set(signal, SignalAction.DEFAULT);
            }
        } finally {
            lock.unlock();
        }
        runHandler(task, info, action);
        return true;
    }

    private static boolean defaultLocked(Task task, ThreadGroup group, int signal) {
        if (SignalSet.ignoredByDefault(signal)) {
            return true;
        }
        if (group.unkillable && signal != Signals.SIGSTOP) {
            return true;
        }
        if (SignalSet.contains(SignalSet.STOP, signal)) {
            if (signal == Signals.SIGSTOP || !orphanedLocked(group)) {
                task.kernel().jobControl().stopGroupLocked(group, signal);
            }
            return true;
        }
        boolean core =
                SignalSet.dumpsCore(signal)
                        && group.limits.soft(Resource.RLIMIT_CORE) != 0
                        && group.dumpable;
        group.beginExitLocked(signal | (core ? CORE_FLAG : 0));
        return false;
    }

    /** Whether no process of the group has a parent in the session outside the group: terminal stops are ignored then. */
    static boolean orphanedLocked(ThreadGroup group) {
        for (ThreadGroup other : group.kernel().tasks().groupsLocked()) {
            if (other.processGroup == group.processGroup && !other.dead) {
                ThreadGroup parent = other.parent;
                if (parent != null
                        && parent.session == other.session
                        && parent.processGroup != other.processGroup) {
                    return false;
                }
            }
        }
        return true;
    }

    private static void runHandler(Task task, SignalInfo info, SignalAction action) {
        RunLoop loop = task.runLoop;
        Registers regs = task.registers();
        if (loop.restartCode != 0) {
            boolean restart =
                    switch (loop.restartCode) {
                        case Errno.ERESTARTNOINTR -> true;
                        case Errno.ERESTARTSYS -> action.has(Signals.SA_RESTART);
                        default -> false;
                    };
            if (loop.callProgress > 0) {
                regs.rax = loop.callProgress;
            } else if (restart) {
                regs.rax = regs.origRax;
                regs.rip = regs.restartRip;
            } else {
                regs.rax = -EINTR;
            }
            loop.restartCode = 0;
        }
        regs.origRax = -1;
        try {
            SignalFrame.push(task, info, action);
        } catch (ErrnoException e) {
            badFrame(task, info.signal());
            return;
        }
        TaskSignals signals = task.signals();
        long mask = signals.mask() | action.mask();
        if (!action.has(Signals.SA_NODEFER)) {
            mask |= SignalSet.bit(info.signal());
        }
        signals.setMask(mask);
    }

    /** No room for a frame, or a frame that can not be returned from: SIGSEGV, fatal when that was the signal (Linux: {@code force_sigsegv}). */
    static void badFrame(Task task, int signal) {
        if (signal == Signals.SIGSEGV) {
            task.threadGroup().handlers.set(signal, SignalAction.DEFAULT);
        }
        task.kernel()
                .signals()
                .force(task, SignalInfo.of(Signals.SIGSEGV, Signals.SI_KERNEL), 0, 0);
    }

    private SignalDelivery() {}
}
