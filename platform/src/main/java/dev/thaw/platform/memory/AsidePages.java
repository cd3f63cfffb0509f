package dev.thaw.platform.memory;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.abi.Sysno;
import dev.thaw.host.RawSyscall;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Memory of the Sentry's own for copies of pages, a bounded number of slots. Who wants one while all are taken waits, so that a guest that writes faster than its checkpoint is written does not double in size. */
final class AsidePages implements AutoCloseable {
    /** No slot: the snapshot has ended. */
    static final int ENDED = -2;

    private static final int PAGE = MemoryFile.PAGE_SIZE;

    private final ReentrantLock mu = new ReentrantLock();
    private final Condition changed = mu.newCondition();
    private final int most;
    private final MemorySegment memory;

    @GuardedBy("mu")
    private int[] free = new int[64];

    @GuardedBy("mu")
    private int freeCount;

    @GuardedBy("mu")
    private int used;

    @GuardedBy("mu")
    private long total;

    @GuardedBy("mu")
    private boolean ended;

    AsidePages(int most) {
        this.most = most;
        long bytes = (long) most * PAGE;
        // PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE: costs nothing before it is
        // used
        long address = RawSyscall.call(Sysno.SYS_mmap, 0, bytes, 0x3, 0x4022, -1, 0);
        if (address < 0 && address > -4096) {
            throw new OutOfMemoryError("no address space for a snapshot");
        }
        // SAFETY: unmapped by close(), after end() and when every stretch was told that nothing is
        // wanted any more, each under its lock: nobody copies then.
        this.memory = MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** A free slot, or {@link #ENDED}. */
    int take() {
        mu.lock();
        try {
            while (!ended && freeCount == 0 && used == most) {
                changed.awaitUninterruptibly();
            }
            if (ended) {
                return ENDED;
            }
            total++;
            return freeCount > 0 ? free[--freeCount] : used++;
        } finally {
            mu.unlock();
        }
    }

    /** Gives a slot back that was taken and not needed. */
    void give(int slot) {
        release(slot, 1);
    }

    private void release(int slot, int unused) {
        if (slot < 0) {
            return;
        }
        mu.lock();
        try {
            if (freeCount == free.length) {
                free = Arrays.copyOf(free, 2 * freeCount);
            }
            free[freeCount++] = slot;
            total -= unused;
            changed.signal();
        } finally {
            mu.unlock();
        }
    }

    void write(int slot, MemorySegment source, long offset) {
        MemorySegment.copy(source, offset, memory, (long) slot * PAGE, PAGE);
    }

    /** Copies a page out and gives its slot back. */
    void read(int slot, MemorySegment target, long at) {
        MemorySegment.copy(memory, (long) slot * PAGE, target, at, PAGE);
        release(slot, 0);
    }

    /** Pages ever put here. */
    long taken() {
        mu.lock();
        try {
            return total;
        } finally {
            mu.unlock();
        }
    }

    /** Nobody waits any more. */
    void end() {
        mu.lock();
        try {
            ended = true;
            changed.signalAll();
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void close() {
        RawSyscall.call(Sysno.SYS_munmap, memory.address(), memory.byteSize(), 0, 0, 0, 0);
    }
}
