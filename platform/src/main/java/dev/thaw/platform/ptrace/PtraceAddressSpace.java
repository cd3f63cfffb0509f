package dev.thaw.platform.ptrace;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.platform.GuestThread;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.stub.StubAddressSpace;
import dev.thaw.platform.stub.StubProcess;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A stub process whose guest threads are traced. */
final class PtraceAddressSpace extends StubAddressSpace {
    private final ReentrantLock mu = new ReentrantLock();

    @GuardedBy("mu")
    private int threads;

    @GuardedBy("mu")
    private boolean closed;

    PtraceAddressSpace(StubProcess process, int memoryFd) {
        super(process, memoryFd);
    }

    @Override
    protected long context(@Nullable GuestThread caller) {
        return 0;
    }

    @Override
    public void protect(@Nullable GuestThread caller, long address, long length, int prot) {
        if (prot == 0) {
            unmap(
                    caller, address,
                    length); // so that a fault on what is mapped is never one of reading: see
            // PtraceThread
        } else {
            super.protect(caller, address, length, prot);
        }
    }

    @Override
    public GuestThread newThread() throws PlatformException {
        mu.lock();
        try {
            if (closed) {
                throw new PlatformException("the address space is closed");
            }
            GuestThread thread = new PtraceThread(this, process);
            threads++;
            return thread;
        } finally {
            mu.unlock();
        }
    }

    /** Counts an ended thread; the last one to leave a closed address space gives its memory back. */
    void remove() {
        mu.lock();
        try {
            if (--threads == 0 && closed) {
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
            if (!closed) {
                closed = true;
                process.end();
                if (threads == 0) {
                    process.release();
                }
            }
        } finally {
            mu.unlock();
        }
    }
}
