package dev.thaw.sentry.testing;

import dev.thaw.abi.Mman;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.mm.FaultResult;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.testing.FakePlatform.FakeAddressSpace;
import dev.thaw.sentry.testing.FakePlatform.HostPage;
import java.lang.foreign.ValueLayout;
import java.util.function.LongToIntFunction;

/** Touches guest memory as guest code does: through what the host maps, with a fault where that does not suffice. */
public final class FakeGuest {
    private final MemoryManager mm;
    private final MemoryFile memory;
    private final FakeAddressSpace space;

    public FakeGuest(MemoryManager mm, MemoryFile memory) {
        this.mm = mm;
        this.memory = memory;
        try {
            this.space = (FakeAddressSpace) mm.addressSpace();
        } catch (PlatformException e) {
            throw new AssertionError(e);
        }
    }

    public FakeAddressSpace space() {
        return space;
    }

    /** The byte at {@code address}, or the negative fault. */
    public int load(long address) {
        return touch(
                address, Mman.PROT_READ, at -> memory.view().get(ValueLayout.JAVA_BYTE, at) & 0xff);
    }

    /** Stores a byte; returns 0 or the negative fault. */
    public int store(long address, int value) {
        return touch(
                address,
                Mman.PROT_WRITE,
                at -> {
                    if (memory.isGuarded(at)) {
                        throw new AssertionError("a write that no snapshot sees");
                    }
                    memory.view().set(ValueLayout.JAVA_BYTE, at, (byte) value);
                    return 0;
                });
    }

    private int touch(long address, int access, LongToIntFunction action) {
        for (int tries = 0; tries < 4; tries++) {
            HostPage page = space.pages().get(address & -4096);
            if (page != null && (page.prot() & access) != 0) {
                return action.applyAsInt(page.offset() + (address & 4095));
            }
            int result = mm.handleFault(FakeThread.INSTANCE, address, access);
            if (result != FaultResult.RESOLVED) {
                return -result;
            }
        }
        throw new AssertionError(
                "a fault at " + Long.toHexString(address) + " is resolved again and again");
    }
}
