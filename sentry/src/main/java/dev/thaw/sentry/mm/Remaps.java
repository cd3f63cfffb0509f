package dev.thaw.sentry.mm;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Fcntl.F_SEAL_FUTURE_WRITE;
import static dev.thaw.abi.Fcntl.F_SEAL_WRITE;
import static dev.thaw.abi.Fcntl.O_ACCMODE;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Fcntl.O_WRONLY;
import static dev.thaw.abi.Mman.MAP_FIXED;
import static dev.thaw.abi.Mman.MAP_SHARED;
import static dev.thaw.abi.Mman.MREMAP_DONTUNMAP;
import static dev.thaw.abi.Mman.MREMAP_FIXED;
import static dev.thaw.abi.Mman.MREMAP_MAYMOVE;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.ErrnoException.errno;
import static dev.thaw.sentry.mm.PageTable.MAPPED;
import static dev.thaw.sentry.mm.PageTable.MAPPED_WRITABLE;
import static dev.thaw.sentry.mm.PageTable.PAGE;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.RegularInode;

/** mremap(2). All methods want the address space's lock. */
final class Remaps {
    private final MemoryManager mm;

    Remaps(MemoryManager mm) {
        this.mm = mm;
    }

    /** What access a mapping of {@code file} may ever get; EACCES when it may not have {@code prot}. */
    static int maxProt(FileDescription file, int prot, int flags) throws ErrnoException {
        int mode = file.statusFlags() & O_ACCMODE;
        if (mode == O_WRONLY) {
            throw errno(EACCES);
        }
        if ((flags & MAP_SHARED) == 0) {
            return Mappings.PROT_ALL;
        }
        if (file.inode() instanceof RegularInode inode
                && inode.seals() > 0
                && (inode.seals() & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0) {
            if ((prot & PROT_WRITE) != 0) {
                throw errno(EPERM);
            }
            return Mappings.PROT_ALL & ~PROT_WRITE;
        }
        if (mode == O_RDWR) {
            return Mappings.PROT_ALL;
        }
        if ((prot & PROT_WRITE) != 0) {
            throw errno(EACCES);
        }
        return Mappings.PROT_ALL & ~PROT_WRITE;
    }

    /** ENOMEM when cutting out the range would make one VMA too many. */
    void checkSplitLocked(long address, long length) throws ErrnoException {
        Vma vma = mm.vmas.find(address);
        if (vma != null
                && vma.start < address
                && address + length < vma.end
                && mm.vmas.size() >= 65530) {
            throw errno(ENOMEM);
        }
    }

    long remapLocked(long address, long oldLength, long newLength, int flags, long newAddress)
            throws ErrnoException {
        long oldSize = Mappings.roundUp(oldLength);
        long newSize = Mappings.roundUp(newLength);
        boolean move = (flags & MREMAP_MAYMOVE) != 0;
        boolean fixed = (flags & MREMAP_FIXED) != 0;
        boolean keep = (flags & MREMAP_DONTUNMAP) != 0;
        if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0
                || ((fixed || keep) && !move)
                || (keep && oldSize != newSize)
                || address % PAGE != 0
                || newSize <= 0
                || oldLength < 0
                || !mm.mappings.inRange(address, oldSize)) {
            throw errno(EINVAL);
        }
        if (fixed) {
            boolean overlap = newAddress < address + oldSize && address < newAddress + newSize;
            if (newAddress % PAGE != 0
                    || !mm.mappings.inRange(newAddress, newSize)
                    || newAddress < Mappings.MIN_ADDRESS
                    || overlap) {
                throw errno(EINVAL);
            }
        }
        Vma vma = mm.vmas.find(address);
        if (vma == null) {
            throw errno(EFAULT);
        }
        if (oldSize == 0) {
            // A second mapping of the same shared pages.
            if (!vma.isShared() || !move) {
                throw errno(EINVAL);
            }
            return mapCopyLocked(vma, address, newSize, fixed, newAddress);
        }
        if (!fixed && !keep && newSize <= oldSize) {
            if (newSize < oldSize) {
                mm.mappings.unmapLocked(address + newSize, oldSize - newSize);
            }
            return address;
        }
        Mappings.checkRemappable(vma, address, oldSize);
        if (keep && vma.mappable != null && !(vma.mappable instanceof SharedMemory)) {
            throw errno(EINVAL);
        }
        if (!fixed
                && !keep
                && address + oldSize == vma.end
                && growInPlaceLocked(vma, newSize - oldSize)) {
            return address;
        }
        if (!move) {
            throw errno(ENOMEM);
        }
        return moveLocked(address, oldSize, newSize, fixed, newAddress, keep);
    }

    private boolean growInPlaceLocked(Vma vma, long more) throws ErrnoException {
        if (!mm.mappings.inRange(vma.end, more) || !mm.vmas.isFree(vma.end, vma.end + more)) {
            return false;
        }
        mm.mappings.checkLimitsLocked(more, vma.prot, vma.flags, vma.mappable != null);
        if (vma.mappable instanceof SharedMemory) {
            return false; // its object ends where it ends; the moved mapping gets SIGBUS past it,
            // as on Linux
        }
        if (vma.mappable != null) {
            vma.mappable.addMapping(mm, vma.end, vma.offsetOf(vma.end), more);
        }
        mm.vmas.resize(vma, vma.start, vma.end + more);
        mm.vmas.merge(vma.start, vma.end, mm.dropped);
        mm.sequence++;
        return true;
    }

    private long mapCopyLocked(Vma vma, long address, long size, boolean fixed, long newAddress)
            throws ErrnoException {
        int flags = vma.flags & (Vma.KEPT_FLAGS | Vma.SPECIAL) | (fixed ? MAP_FIXED : 0);
        return mm.mappings.mapLocked(
                fixed ? newAddress : 0,
                size,
                vma.prot,
                vma.maxProt,
                flags,
                vma.mappable,
                vma.offsetOf(address),
                vma.file,
                vma.name);
    }

    private long moveLocked(
            long address, long oldSize, long newSize, boolean fixed, long newAddress, boolean keep)
            throws ErrnoException {
        long moved = Math.min(oldSize, newSize);
        if (newSize < oldSize) {
            mm.mappings.unmapLocked(address + newSize, oldSize - newSize);
        }
        Vma vma = mm.vmas.find(address);
        if (vma == null) {
            throw errno(EFAULT);
        }
        int heap = vma.flags;
        vma.flags &= ~Vma.HEAP;
        long target;
        try {
            target = mapCopyLocked(vma, address, newSize, fixed, newAddress);
        } finally {
            Vma again = mm.vmas.find(address);
            if (again != null) {
                again.flags = heap;
            }
        }
        movePages(address, target, moved);
        if (!keep) {
            mm.mappings.unmapLocked(address, moved);
        }
        mm.sequence++;
        return target;
    }

    /** Moves page table entries; the host forgets both places. */
    private void movePages(long from, long to, long length) {
        PageTable table = mm.table;
        long end = from + length;
        if (table.anyFlag(from, end, MAPPED)) {
            mm.host.unmap(from, length);
        }
        for (long at = table.nextPresent(from, end);
                at < end;
                at = table.nextPresent(at + PAGE, end)) {
            table.set(to + (at - from), table.get(at) & ~(MAPPED | MAPPED_WRITABLE));
        }
        table.clear(from, end);
    }
}
