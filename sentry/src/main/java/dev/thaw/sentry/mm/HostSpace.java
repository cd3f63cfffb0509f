package dev.thaw.sentry.mm;

import dev.thaw.platform.AddressSpace;
import dev.thaw.platform.CallSitePatcher;
import dev.thaw.platform.GuestThread;
import dev.thaw.platform.Platform;
import dev.thaw.platform.PlatformException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import org.jspecify.annotations.Nullable;

/**
 * The platform's side of an address space, made when it is first wanted: a restored or freshly forked address space that never runs costs no stub process. Not saved.
 *
 * <p>The platform works fastest through the stub of a guest thread that is stopped just now. Each task's Java thread says so once by {@link #attach}; it is a hint kept for the thread, so
 * that copying to guest memory (which may have to withdraw a mapping) needs no extra parameter at every call.
 */
final class HostSpace {
    private record Caller(HostSpace space, GuestThread thread) {}

    private static final ThreadLocal<@Nullable Caller> CALLER = new ThreadLocal<>();

    private final KernelLock mu = new KernelLock(LockClass.PLATFORM);
    private final Platform platform;
    private final CallSitePatcher patcher;
    private volatile @Nullable AddressSpace space;
    private volatile boolean closed;

    HostSpace(Platform platform, CallSitePatcher patcher) {
        this.platform = platform;
        this.patcher = patcher;
    }

    AddressSpace get() throws PlatformException {
        AddressSpace made = space;
        if (made != null) {
            return made;
        }
        mu.lock();
        try {
            made = space;
            if (made == null) {
                if (closed) {
                    throw new PlatformException("the address space is closed");
                }
                made = platform.newAddressSpace();
                made.setPatcher(patcher);
                space = made;
            }
            return made;
        } finally {
            mu.unlock();
        }
    }

    /** The calling Java thread acts for {@code thread}, a guest thread of this address space. */
    void attach(GuestThread thread) {
        Caller caller = CALLER.get();
        if (caller == null || caller.thread != thread) {
            CALLER.set(new Caller(this, thread));
        }
    }

    void detach() {
        CALLER.remove();
    }

    private @Nullable GuestThread caller() {
        Caller caller = CALLER.get();
        return caller != null && caller.space == this ? caller.thread : null;
    }

    /** As {@link AddressSpace#map}; {@code -ENOMEM} when the host has no room for another mapping. */
    int map(long address, long length, long offset, int prot, boolean populate) {
        AddressSpace made = space;
        return made == null ? 0 : made.map(caller(), address, length, 0, offset, prot, populate);
    }

    void unmap(long address, long length) {
        AddressSpace made = space;
        if (made != null && !closed) {
            made.unmap(caller(), address, length);
        }
    }

    void protect(long address, long length, int prot) {
        AddressSpace made = space;
        if (made != null && !closed) {
            made.protect(caller(), address, length, prot);
        }
    }

    void close() {
        AddressSpace made;
        mu.lock();
        try {
            closed = true;
            made = space;
        } finally {
            mu.unlock();
        }
        if (made != null) {
            made.close();
        }
    }
}
