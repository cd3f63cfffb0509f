package dev.thaw.sentry.vfs;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Lets threads use a file's pages without a lock while others cut pages off: those inside are counted, and pages cut off meanwhile are given back by the last to leave. Who cuts clears the page
 * table first and looks at the count afterwards; who enters counts first and looks at the table afterwards.
 */
final class PageGate {
    /** Pages that follow each other in the memory file. */
    record Run(long offset, long length) {}

    private final KernelLock mu = new KernelLock(LockClass.FILE);
    private final AtomicInteger inside = new AtomicInteger();

    @GuardedBy("mu")
    private ArrayList<Run> retired = new ArrayList<>(0);

    void enter() {
        inside.getAndIncrement();
    }

    void leave(MemoryFile memory) {
        if (inside.decrementAndGet() == 0 && hasRetired()) {
            giveBack(memory, takeIfEmpty());
        }
    }

    @SuppressWarnings("GuardedBy") // a glance: who retires looks at the count again afterwards
    private boolean hasRetired() {
        return !retired.isEmpty();
    }

    /** Gives pages back that are in no page table any more, now or when nobody is inside. */
    void retire(MemoryFile memory, ArrayList<Run> runs) {
        VarHandle.fullFence();
        if (inside.get() == 0) {
            giveBack(memory, runs);
            return;
        }
        mu.lock();
        try {
            retired.addAll(runs);
        } finally {
            mu.unlock();
        }
        giveBack(memory, takeIfEmpty());
    }

    private List<Run> takeIfEmpty() {
        mu.lock();
        try {
            if (inside.get() != 0) {
                return List.of();
            }
            List<Run> taken = retired;
            retired = new ArrayList<>(0);
            return taken;
        } finally {
            mu.unlock();
        }
    }

    private static void giveBack(MemoryFile memory, List<Run> runs) {
        for (Run run : runs) {
            memory.release(run.offset, run.length);
        }
    }
}
