package dev.thaw.sentry.kernel;

import dev.thaw.platform.GuestThread;
import dev.thaw.platform.PlatformException;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.FaultResult;
import dev.thaw.sentry.mm.FutexKey;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.signal.SignalInfo;
import org.jspecify.annotations.Nullable;

/** Where tasks meet memory management and program loading. */
final class MemorySeam {
    private static final System.Logger LOG = System.getLogger("dev.thaw.sentry.kernel");

    /** Resolves a fault; null when the guest may go on, else the signal it gets. */
    static @Nullable SignalInfo handleFault(
            Task task, GuestThread guest, long address, int access) {
        int result = task.mm().handleFault(guest, address, access);
        if (result == FaultResult.RESOLVED) {
            return null;
        }
        if (result == FaultResult.OUT_OF_MEMORY) {
            task.kernel().outOfMemory();
            return null; // the fault is taken again, or the task is killed before
        }
        return SignalInfo.fault(FaultResult.signal(result), FaultResult.code(result), address);
    }

    /** A guest thread in the task's address space, or null when the host refuses. */
    static @Nullable GuestThread newGuestThread(Task task) {
        try {
            GuestThread guest = task.mm().addressSpace().newThread();
            task.mm().attach(guest);
            return guest;
        } catch (PlatformException e) {
            LOG.log(System.Logger.Level.ERROR, "no guest thread for " + task, e);
            return null;
        }
    }

    /** What a futex word belongs to: the address space, or the identity of shared memory. Compare with equals. */
    static Object futexSpace(MemoryManager mm, long address, boolean shared) throws ErrnoException {
        if ((address & 3) != 0) {
            throw ErrnoException.errno(dev.thaw.abi.Errno.EINVAL);
        }
        if (!shared) {
            return mm;
        }
        FutexKey key = mm.futexKey(address);
        MemoryManager owner = key.mm();
        return owner == null ? key : owner;
    }

    static long futexOffset(long address, Object space) {
        return space instanceof FutexKey key ? key.address() : address;
    }

    /** Memory that ending the process would give back, roughly: shared pages count for each. */
    static long residentBytes(ThreadGroup group) {
        MemoryManager mm = null;
        for (Task task : group.tasks()) {
            mm = task.mmOrNull();
            if (mm != null) {
                break;
            }
        }
        return mm == null ? 0 : mm.advice().residentBytes();
    }

    private MemorySeam() {}
}
