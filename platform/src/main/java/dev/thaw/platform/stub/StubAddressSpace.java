package dev.thaw.platform.stub;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Mman.*;
import static dev.thaw.abi.Sysno.SYS_mmap;
import static dev.thaw.abi.Sysno.SYS_mprotect;
import static dev.thaw.abi.Sysno.SYS_munmap;
import static dev.thaw.platform.stub.StubAbi.MIN_ADDRESS;
import static dev.thaw.platform.stub.StubAbi.STUB_BASE;

import dev.thaw.platform.AddressSpace;
import dev.thaw.platform.GuestThread;
import org.jspecify.annotations.Nullable;

/** Mappings of a stub process, made by its manager thread. */
public abstract class StubAddressSpace implements AddressSpace {
    /** What is faulted in page by page as fast as at once. */
    private static final long SMALL = 16 << 10;

    protected final StubProcess process;
    private final int memoryFd;

    protected StubAddressSpace(StubProcess process, int memoryFd) {
        this.process = process;
        this.memoryFd = memoryFd;
    }

    @Override
    public int map(
            @Nullable GuestThread caller,
            long address,
            long length,
            int file,
            long offset,
            int prot,
            boolean populate) {
        checkRange(address, length);
        if (file != 0) {
            return -EINVAL;
        }
        // Of a shared mapping MAP_POPULATE makes read-only entries: each page would fault again
        // when
        // it is written.
        boolean byItself =
                populate
                        && (prot & PROT_WRITE) != 0
                        && length > SMALL
                        && populateOnReturn(caller, address, length);
        int flags = MAP_SHARED | MAP_FIXED | (populate && !byItself ? MAP_POPULATE : 0);
        long result =
                process.change(
                        context(caller),
                        SYS_mmap,
                        address,
                        length,
                        hostProt(prot),
                        flags,
                        memoryFd,
                        offset);
        return result == -ENOMEM ? -ENOMEM : 0;
    }

    @Override
    public void unmap(@Nullable GuestThread caller, long address, long length) {
        checkRange(address, length);
        process.change(context(caller), SYS_munmap, address, length, 0, 0, 0, 0);
    }

    @Override
    public void protect(@Nullable GuestThread caller, long address, long length, int prot) {
        checkRange(address, length);
        process.change(
                context(caller),
                SYS_mprotect,
                address,
                length,
                hostProt(prot),
                0,
                0,
                0); // over holes it fails: what is gone then comes back by faults
    }

    /** Has {@code caller} populate a range before it goes on: on its own processor, where the fresh pages are in the cache when it writes them. False where it can not. */
    protected boolean populateOnReturn(@Nullable GuestThread caller, long address, long length) {
        return false;
    }

    /** The address of the context of {@code caller}, a stopped thread that may spin; or 0. */
    protected abstract long context(@Nullable GuestThread caller);

    /** x86 can not give write or execute access without read access; nothing else passes. */
    private static int hostProt(int prot) {
        int bits = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
        return bits == 0 ? 0 : bits | PROT_READ;
    }

    private static void checkRange(long address, long length) {
        if (address < MIN_ADDRESS
                || length <= 0
                || length > STUB_BASE - address
                || ((address | length) & 4095) != 0) {
            throw new IllegalArgumentException(
                    "not the guest's: 0x"
                            + Long.toHexString(address)
                            + " + 0x"
                            + Long.toHexString(length));
        }
    }
}
