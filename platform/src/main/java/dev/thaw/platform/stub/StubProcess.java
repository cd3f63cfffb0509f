package dev.thaw.platform.stub;

import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.abi.Sysno.*;
import static dev.thaw.platform.stub.StubAbi.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.host.HostMemory;
import dev.thaw.host.HostProcess;
import dev.thaw.host.RawSyscall;
import dev.thaw.platform.PlatformException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.BitSet;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One stub process: the host's side of an address space. Its manager thread executes host calls that the Sentry writes into the command ring; the ring is read-only for the stub,
 * so a guest can not order any. What comes back is not trusted: a guest may forge results, to its own harm only.
 */
public final class StubProcess {
    private static final VarHandle INT = JAVA_INT.varHandle();
    private static final long WAIT_NANOS = 100_000_000;
    private static final int YIELDS = 20;
    private static final int CLONE_THREAD_FLAGS =
            0x50f00 | 0x200000; // VM FS FILES SIGHAND THREAD SYSVSEM, CHILD_CLEARTID

    private final ReentrantLock mu = new ReentrantLock();
    private final ForkServer server;
    private final int slot;
    private final int pid;
    private final MemorySegment region;
    private final MemorySegment results;
    private final long controlAddress;

    /** Commands written so far. */
    @GuardedBy("mu")
    private int issued;

    @GuardedBy("mu")
    private final BitSet contexts = new BitSet();

    private volatile boolean dead;
    private volatile boolean ending;

    StubProcess(ForkServer server, int slot, int pid, MemorySegment region, int contextsFd) {
        this.server = server;
        this.slot = slot;
        this.pid = pid;
        this.region = region;
        this.results = region.asSlice(REGION_RESULTS);
        this.controlAddress = region.address();
        region.set(JAVA_LONG, CTL_FD, contextsFd);
        region.set(JAVA_LONG, CTL_SELF, slot * REGION_SIZE + CTL_DONE);
    }

    /** The host's number of the process. */
    public int pid() {
        return pid;
    }

    /** Whether the process is known to be gone. */
    public boolean dead() {
        return dead;
    }

    /** Whether the process is gone or about to go. */
    public boolean ending() {
        return ending || dead;
    }

    /** Has the manager make one host call; returns what it returned (the guest may lie about that), or {@code -ESRCH} when the process is gone. */
    public long call(long nr, long a, long b, long c, long d, long e, long f) {
        return command(0, 0, nr, a, b, c, d, e, f);
    }

    /**
     * Has the manager change the mappings of a range; {@code context} is the address of a stopped guest thread's context in this process, or 0. When it returns, the old mappings are gone in any case:
     * if the host can not do the change, the range is unmapped, or everything is.
     */
    public long change(
            long context, long nr, long address, long length, long c, long d, long e, long f) {
        return command(context, 1, nr, address, length, c, d, e, f);
    }

    private long command(
            long context, int memory, long nr, long a, long b, long c, long d, long e, long f) {
        mu.lock();
        try {
            if (dead) {
                return -ESRCH;
            }
            int index = issued & RING_COUNT - 1;
            issueLocked(memory, nr, a, b, c, d, e, f);
            while (StubCalls.manager(controlAddress, context, issued, YIELDS, WAIT_NANOS) != 0) {
                if (!alive()) {
                    return -ESRCH;
                }
            }
            return results.get(JAVA_LONG, RES_RING + index * 8L);
        } finally {
            mu.unlock();
        }
    }

    @GuardedBy("mu")
    private void issueLocked(int memory, long nr, long a, long b, long c, long d, long e, long f) {
        long entry = CTL_RING + (long) (issued & RING_COUNT - 1) * RING_ENTRY;
        region.set(JAVA_LONG, entry, nr);
        region.set(JAVA_LONG, entry + 8, a);
        region.set(JAVA_LONG, entry + 16, b);
        region.set(JAVA_LONG, entry + 24, c);
        region.set(JAVA_LONG, entry + 32, d);
        region.set(JAVA_LONG, entry + 40, e);
        region.set(JAVA_LONG, entry + 48, f);
        region.set(JAVA_INT, entry + CMD_SEQ, ++issued);
        region.set(JAVA_INT, entry + CMD_MEMORY, memory);
        INT.setVolatile(region, CTL_SEQ, issued);
    }

    /** Clones a thread whose context is the next free one. It stops by itself as soon as it is set up. */
    public Context newContext() throws PlatformException {
        int index;
        mu.lock();
        try {
            index = freeContextLocked();
            contexts.set(index);
        } finally {
            mu.unlock();
        }
        MemorySegment memory = region.asSlice(REGION_CTX + index * CTX_SIZE, CTX_SIZE);
        memory.set(JAVA_INT, CTX_CLEAR_TID, 1);
        memory.set(JAVA_INT, CTX_STATE, STATE_RUNNING);
        long address = CTX_BASE + index * CTX_SIZE;
        long tid =
                call(
                        SYS_clone,
                        CLONE_THREAD_FLAGS,
                        address + CTX_ALT_STACK,
                        0,
                        address + CTX_CLEAR_TID,
                        0,
                        0);
        if (tid < 0) {
            freeContext(index);
            throw new PlatformException("no thread for the guest: errno " + -tid);
        }
        return new Context(index, (int) tid, address, memory);
    }

    @GuardedBy("mu")
    private int freeContextLocked() throws PlatformException {
        for (int index = contexts.nextClearBit(0);
                index < CTX_COUNT;
                index = contexts.nextClearBit(index + 1)) {
            if ((int) INT.getVolatile(region, REGION_CTX + index * CTX_SIZE + CTX_CLEAR_TID) == 0) {
                return index;
            }
        }
        throw new PlatformException("too many threads in one address space");
    }

    /** Gives the context of an ended, or ending, thread back. */
    public void freeContext(int index) {
        mu.lock();
        try {
            contexts.clear(index);
        } finally {
            mu.unlock();
        }
    }

    /** Sends a signal to a thread of this process; the manager does it where the Sentry has not the right to. */
    public int signal(int tid, int signal) {
        int result = (int) RawSyscall.call(SYS_tgkill, pid, tid, signal, 0, 0, 0);
        return result == -EPERM ? (int) call(SYS_tgkill, pid, tid, signal, 0, 0, 0) : result;
    }

    /** Whether thread {@code tid} of this process is there. */
    public boolean alive(int tid) {
        return alive() && RawSyscall.call(SYS_tgkill, pid, tid, 0, 0, 0, 0) != -ESRCH;
    }

    /** Looks whether the process still runs. When the fork server was killed, its children died with it and are zombies of ours. */
    public boolean alive() {
        if (!dead && (HostProcess.kill(pid, 0) == -ESRCH || HostProcess.isEndedChild(pid))) {
            dead = true;
        }
        return !dead;
    }

    /** Takes all memory away from the guest, then ends the process. When it returns, no guest code can reach a page any more. */
    public void end() {
        ending = true;
        if (!dead
                && change(0, SYS_munmap, MIN_ADDRESS, STUB_BASE - MIN_ADDRESS, 0, 0, 0, 0)
                        != -ESRCH) {
            kill();
            return;
        }
        kill();
        while (HostProcess.kill(pid, 0) != -ESRCH && !HostProcess.isEndedChild(pid)) {
            LockSupport.parkNanos(50_000);
        }
    }

    /** Has the process killed. It may still run for a moment. Idempotent. */
    public void kill() {
        if (HostProcess.kill(pid, 9) == -EPERM) {
            mu.lock();
            try {
                if (!dead) {
                    issueLocked(0, SYS_exit_group, 0, 0, 0, 0, 0, 0);
                    StubCalls.wake(controlAddress + CTL_SEQ);
                }
            } finally {
                mu.unlock();
            }
        }
        dead = true;
    }

    /** Unmaps the region. No one may use a context any more. */
    public void release() {
        HostMemory.unmap(region.address(), REGION_SIZE);
        server.release(slot);
    }

    /** A guest thread's context: its host thread id, its address in the stub, and its memory. */
    public record Context(int index, int tid, long address, MemorySegment memory) {}
}
