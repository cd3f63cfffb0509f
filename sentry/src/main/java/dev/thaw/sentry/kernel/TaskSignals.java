package dev.thaw.sentry.kernel;

import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.signal.AlternateStack;
import dev.thaw.sentry.signal.PendingSignals;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.signal.SignalSet;
import org.jspecify.annotations.Nullable;

/** A task's own part of signal handling: mask, pending set, alternate stack. Mask and pending set change under the task set's lock. */
public final class TaskSignals {
    private final Task task;
    final PendingSignals pending = new PendingSignals();
    private volatile long mask;
    private volatile long savedMask;
    private volatile boolean restoreMask;

    /** Signals that rt_sigtimedwait waits for though they are blocked. */
    private volatile long wanted;

    private volatile AlternateStack alternateStack = AlternateStack.NONE;

    TaskSignals(Task task) {
        this.task = task;
    }

    public long mask() {
        return mask;
    }

    /** Sets the mask for good. On the task's thread. */
    public void setMask(long next) {
        KernelLock lock = task.kernel().tasks().lock();
        lock.lock();
        try {
            mask = next & ~SignalSet.UNBLOCKABLE;
            recalculateLocked();
        } finally {
            lock.unlock();
        }
    }

    void setTemporaryMask(long next) {
        if (!restoreMask) {
            savedMask = mask;
            restoreMask = true;
        }
        setMask(next);
    }

    /** Ends a temporary mask, if there is one. */
    void endTemporaryMask() {
        if (restoreMask) {
            restoreMask = false;
            setMask(savedMask);
        }
    }

    /** The mask that a handler's frame must restore; ends a temporary mask without setting it back. */
    long maskForFrame() {
        if (restoreMask) {
            restoreMask = false;
            return savedMask;
        }
        return mask;
    }

    boolean hasTemporaryMask() {
        return restoreMask;
    }

    /** The mask outside of any temporary one. */
    public long permanentMask() {
        return restoreMask ? savedMask : mask;
    }

    /** Pending for the task or its process, blocked or not. */
    public long pendingSet() {
        return pending.set() | task.threadGroup().pending.set();
    }

    /** Pending for the task alone. */
    public long ownPendingSet() {
        return pending.set();
    }

    public AlternateStack alternateStack() {
        return alternateStack;
    }

    public void setAlternateStack(AlternateStack stack) {
        alternateStack = stack;
    }

    /** Makes signals of {@code set} wake the task's wait although they are blocked; 0 to end it. */
    public void setWanted(long set) {
        KernelLock lock = task.kernel().tasks().lock();
        lock.lock();
        try {
            wanted = set;
            recalculateLocked();
        } finally {
            lock.unlock();
        }
    }

    long wanted() {
        return wanted;
    }

    /** Takes a pending signal of {@code set}. */
    public @Nullable SignalInfo take(long set) {
        if ((pendingSet() & set) == 0) {
            return null;
        }
        KernelLock lock = task.kernel().tasks().lock();
        lock.lock();
        try {
            SignalInfo info = pending.take(~set);
            if (info == null) {
                info = task.threadGroup().pending.take(~set);
            }
            recalculateLocked();
            if (info != null) {
                task.threadGroup().signalTakenLocked(info);
            }
            return info;
        } finally {
            lock.unlock();
        }
    }

    /** Whether a signal waits that is not blocked. */
    boolean deliverable() {
        return (pendingSet() & ~mask) != 0;
    }

    /** Sets or clears the task's WORK_SIGNAL by what is pending. Under the task set's lock. */
    void recalculateLocked() {
        if ((pendingSet() & (~mask | wanted)) != 0) {
            task.addWork(Task.WORK_SIGNAL);
        } else {
            task.clearWork(Task.WORK_SIGNAL);
        }
    }

    /** A fault of the task's own must get through. */
    void unblockLocked(int signal) {
        mask &= ~SignalSet.bit(signal);
        recalculateLocked();
    }

    /** What the frame of a fault's signal shows. Task-owned. */
    long trapNumber;

    long errorCode;
    long faultAddress;

    void setFault(long number, long code, long address) {
        trapNumber = number;
        errorCode = code;
        faultAddress = address;
    }

    void copyMaskFrom(TaskSignals other) {
        mask = other.permanentMask();
    }

    void restore(long restoredMask, AlternateStack stack) {
        mask = restoredMask & ~SignalSet.UNBLOCKABLE;
        alternateStack = stack;
    }
}
