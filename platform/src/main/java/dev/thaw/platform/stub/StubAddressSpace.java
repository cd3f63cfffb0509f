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
    protected final StubProcess process;
    private final int memoryFd;

    protected StubAddressSpace(StubProcess process, int memoryFd) {
        this.process = process;
        this.memoryFd = memoryFd;
    }

    @Override
    public int map(@Nullable GuestThread caller, long address, long length, int file, long offset, int prot, boolean populate) {
        checkRange(address, length);
        if (file != 0) {
            return -EINVAL;
        }
        int flags = MAP_SHARED | MAP_FIXED | (populate ? MAP_POPULATE : 0);
        long result = process.call(SYS_mmap, address, length, hostProt(prot), flags, memoryFd, offset);
        return result == -ENOMEM ? -ENOMEM : 0;
    }

    @Override
    public void unmap(@Nullable GuestThread caller, long address, long length) {
        checkRange(address, length);
        if (process.call(SYS_munmap, address, length, 0, 0, 0, 0) != 0) {
            unmapAll();
        }
    }

    @Override
    public void protect(@Nullable GuestThread caller, long address, long length, int prot) {
        checkRange(address, length);
        long result = process.call(SYS_mprotect, address, length, hostProt(prot), 0, 0, 0);
        if (result != 0 && result != -ENOMEM) {
            unmapAll();
        } else if (result != 0) {
            process.call(SYS_munmap, address, length, 0, 0, 0, 0); // holes: what is gone comes back by faults
        }
    }

    /** What could not be taken back singly (the host is out of mappings) goes with all the rest; faults bring the rest back. */
    private void unmapAll() {
        if (process.call(SYS_munmap, MIN_ADDRESS, STUB_BASE - MIN_ADDRESS, 0, 0, 0, 0) != 0) {
            process.kill();
        }
    }

    /** x86 can not give write or execute access without read access; nothing else passes. */
    private static int hostProt(int prot) {
        int bits = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
        return bits == 0 ? 0 : bits | PROT_READ;
    }

    private static void checkRange(long address, long length) {
        if (address < MIN_ADDRESS || length <= 0 || length > STUB_BASE - address || ((address | length) & 4095) != 0) {
            throw new IllegalArgumentException("not the guest's: 0x" + Long.toHexString(address) + " + 0x" + Long.toHexString(length));
        }
    }
}
