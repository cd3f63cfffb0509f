package dev.thaw.platform.systrap;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.platform.CallSitePatcher;
import dev.thaw.platform.GuestThread;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.stub.StubAddressSpace;
import dev.thaw.platform.stub.StubProcess;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A stub process and its guest threads. */
final class SystrapAddressSpace extends StubAddressSpace {
    private final ReentrantLock mu = new ReentrantLock();
    private static final boolean PATCH = !Boolean.getBoolean("thaw.systrap.nopatch");

    private final Frame frame;
    private volatile @Nullable CallSites callSites;

    @GuardedBy("mu")
    private final List<SystrapThread> threads = new ArrayList<>();

    @GuardedBy("mu")
    private boolean closed;

    SystrapAddressSpace(StubProcess process, Frame frame, int memoryFd) {
        super(process, memoryFd);
        this.frame = frame;
    }

    @Override
    public void setPatcher(CallSitePatcher patcher) {
        callSites = PATCH ? new CallSites(patcher) : null;
    }

    /** The patcher of system call sites, if there is to be one. */
    @Nullable CallSites callSites() {
        return callSites;
    }

    @Override
    public GuestThread newThread() throws PlatformException {
        mu.lock();
        try {
            if (closed) {
                throw new PlatformException("the address space is closed");
            }
            SystrapThread thread = new SystrapThread(this, process, frame);
            threads.add(thread);
            return thread;
        } finally {
            mu.unlock();
        }
    }

    @Override
    protected long context(@Nullable GuestThread caller) {
        return caller instanceof SystrapThread thread ? thread.stopped(this) : 0;
    }

    @Override
    protected boolean populateOnReturn(@Nullable GuestThread caller, long address, long length) {
        return caller instanceof SystrapThread thread
                && thread.populateOnReturn(this, address, length);
    }

    /** Forgets an ended thread; the last one to leave a closed address space gives its memory back. */
    void remove(SystrapThread thread) {
        mu.lock();
        try {
            if (threads.remove(thread) && closed && threads.isEmpty()) {
                process.release();
            }
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void close() {
        mu.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            process.end();
            if (threads.isEmpty()) {
                process.release();
            }
            for (SystrapThread thread : threads) {
                thread.wake();
            }
        } finally {
            mu.unlock();
        }
    }
}
