package dev.thaw.sentry.lock;

import java.util.ArrayList;
import java.util.concurrent.locks.ReentrantLock;

/** A lock that knows its place in the {@link LockClass} order and, under {@code -Dthaw.lockdep=true}, checks it at each acquisition. */
public final class KernelLock extends ReentrantLock {
    private static final long serialVersionUID = 1;
    private static final boolean LOCKDEP = Boolean.getBoolean("thaw.lockdep");
    private static final ThreadLocal<ArrayList<KernelLock>> HELD =
            ThreadLocal.withInitial(ArrayList::new);

    private final LockClass lockClass;

    public KernelLock(LockClass lockClass) {
        this.lockClass = lockClass;
    }

    @Override
    public void lock() {
        if (LOCKDEP) {
            checkOrder(false);
        }
        super.lock();
        if (LOCKDEP) {
            HELD.get().add(this);
        }
    }

    /** Takes a second lock of one class; {@code reason} says which total order makes it safe. */
    public void lockNested(String reason) {
        assert !reason.isEmpty();
        if (LOCKDEP) {
            checkOrder(true);
        }
        super.lock();
        if (LOCKDEP) {
            HELD.get().add(this);
        }
    }

    @Override
    public void unlock() {
        if (LOCKDEP) {
            ArrayList<KernelLock> held = HELD.get();
            held.remove(held.lastIndexOf(this));
        }
        super.unlock();
    }

    private void checkOrder(boolean nested) {
        if (isHeldByCurrentThread()) {
            return;
        }
        for (KernelLock held : HELD.get()) {
            int order = held.lockClass.compareTo(lockClass);
            if (order > 0 || (order == 0 && !nested)) {
                throw new AssertionError(
                        "lock order: " + lockClass + " taken while " + held.lockClass + " is held");
            }
        }
    }
}
