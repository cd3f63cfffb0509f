package dev.thaw.sentry.mm;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EEXIST;
import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Mman.MAP_32BIT;
import static dev.thaw.abi.Mman.MAP_FIXED;
import static dev.thaw.abi.Mman.MAP_FIXED_NOREPLACE;
import static dev.thaw.abi.Mman.MAP_GROWSDOWN;
import static dev.thaw.abi.Mman.MAP_SHARED;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_NONE;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.ErrnoException.errno;
import static dev.thaw.sentry.mm.PageTable.MAPPED;
import static dev.thaw.sentry.mm.PageTable.MAPPED_WRITABLE;
import static dev.thaw.sentry.mm.PageTable.OFFSET_MASK;
import static dev.thaw.sentry.mm.PageTable.PAGE;
import static dev.thaw.sentry.mm.PageTable.PRIVATE;
import static dev.thaw.sentry.mm.PageTable.WRITABLE;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.vfs.FileDescription;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** mmap, munmap, mprotect, brk, stack growth: what changes the VMAs of an address space. All methods want its lock. */
final class Mappings {
    static final int PROT_ALL = PROT_READ | PROT_WRITE | PROT_EXEC;

    /** {@code vm.mmap_min_addr}. */
    static final long MIN_ADDRESS = 0x10000;

    /** {@code vm.max_map_count}. */
    private static final int MAX_VMAS = 65530;

    /** Linux keeps this much free below a stack ({@code stack_guard_gap}). */
    private static final long STACK_GAP = 256 * PAGE;

    /** A stack grows by at least this much at once, which saves faults. */
    private static final long STACK_STEP = 64 << 10;

    private static final int MAX_HOST_CALLS = 16;

    private final MemoryManager mm;

    Mappings(MemoryManager mm) {
        this.mm = mm;
    }

    static long roundUp(long length) {
        return (length + PAGE - 1) & -PAGE;
    }

    /** Whether {@code [address, address + length)} lies in the guest's part. */
    boolean inRange(long address, long length) {
        return address >= 0 && length >= 0 && address <= mm.maxAddress - length;
    }

    /** Maps {@code mappable} (null for anonymous memory). {@code length} is rounded up here; {@code flags} are those of mmap(2). */
    long mapLocked(
            long hint,
            long length,
            int prot,
            int maxProt,
            int flags,
            @Nullable Mappable mappable,
            long fileOffset,
            @Nullable FileDescription file,
            String name)
            throws ErrnoException {
        long size = roundUp(length);
        if (length == 0) {
            throw errno(EINVAL);
        }
        if (size <= 0 || size > mm.maxAddress) {
            throw errno(ENOMEM);
        }
        long address = placeLocked(hint, size, flags);
        if ((flags & MAP_FIXED) != 0) {
            unmapLocked(address, size);
        }
        checkLimitsLocked(size, prot, flags, mappable != null);
        Vma vma =
                new Vma(
                        address,
                        address + size,
                        prot & PROT_ALL,
                        maxProt,
                        flags & (Vma.KEPT_FLAGS | Vma.SPECIAL | Vma.HEAP) | mm.defaultLocked,
                        mappable,
                        mappable == null ? 0 : fileOffset,
                        file == null ? null : file.acquire(),
                        name);
        mm.vmas.insert(vma);
        if (mappable != null) {
            mappable.addMapping(mm, address, fileOffset, size);
        }
        mm.sequence++;
        mm.vmas.merge(address, address + size, mm.dropped);
        return address;
    }

    void checkLimitsLocked(long more, int prot, int flags, boolean backed) throws ErrnoException {
        if (mm.vmas.size() >= MAX_VMAS || more > mm.addressSpaceLimit - mm.vmas.totalBytes()) {
            throw errno(ENOMEM);
        }
        boolean data = (prot & PROT_WRITE) != 0 && (flags & (MAP_SHARED | MAP_GROWSDOWN)) == 0;
        if (data
                && !backed
                && mm.dataLimit != Long.MAX_VALUE
                && more > mm.dataLimit - mm.dataBytesLocked()) {
            throw errno(ENOMEM);
        }
    }

    private long placeLocked(long hint, long size, int flags) throws ErrnoException {
        if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0) {
            if (hint % PAGE != 0) {
                throw errno(EINVAL);
            }
            if (!inRange(hint, size)) {
                throw errno(ENOMEM);
            }
            if (hint < MIN_ADDRESS) {
                throw errno(EPERM);
            }
            if ((flags & MAP_FIXED_NOREPLACE) != 0 && !mm.vmas.isFree(hint, hint + size)) {
                throw errno(EEXIST);
            }
            return hint;
        }
        long wanted = hint & -PAGE;
        if (wanted >= MIN_ADDRESS
                && inRange(wanted, size)
                && isClearLocked(wanted, wanted + size)
                && ((flags & MAP_32BIT) == 0 || wanted + size <= 1L << 31)) {
            return wanted;
        }
        long found;
        if ((flags & MAP_32BIT) != 0) {
            found = bottomUpLocked(0x40000000L, 0x80000000L, size);
        } else {
            found = topDownLocked(mm.mmapBase, size);
            if (found < 0) {
                found = bottomUpLocked(mm.mmapBase, mm.maxAddress, size);
            }
        }
        if (found < 0) {
            throw errno(ENOMEM);
        }
        return found;
    }

    /** Free, and clear of the guard gap below a stack. */
    private boolean isClearLocked(long start, long end) {
        int index = mm.vmas.firstEndingAbove(start);
        return index == mm.vmas.size()
                || mm.vmas.get(index).start - gapBelow(mm.vmas.get(index)) >= end;
    }

    private static long gapBelow(Vma vma) {
        return vma.growsDown() ? STACK_GAP : 0;
    }

    private long topDownLocked(long top, long size) {
        long end = top;
        for (int i =
                        mm.vmas.firstEndingAbove(top - 1)
                                - (mm.vmas.firstEndingAbove(top - 1) == mm.vmas.size() ? 1 : 0);
                i >= 0;
                i--) {
            Vma vma = mm.vmas.get(i);
            if (vma.start - gapBelow(vma) >= end) {
                continue;
            }
            if (vma.end <= end && end - vma.end >= size) {
                return end - size;
            }
            end = Math.min(end, vma.start - gapBelow(vma));
        }
        return end - MIN_ADDRESS >= size ? end - size : -1;
    }

    /** A free place for {@code size} bytes at most {@code reach} away from {@code near}, below it if there is one; -1 when there is none. */
    long placeNearLocked(long near, long size, long reach) {
        long below = topDownLocked(near & -PAGE, size);
        if (below >= 0 && near - below <= reach) {
            return below;
        }
        long above = bottomUpLocked(near & -PAGE, Math.min(mm.maxAddress, near + reach), size);
        return above >= 0 && above + size - near <= reach ? above : -1;
    }

    private long bottomUpLocked(long from, long to, long size) {
        long start = from;
        for (int i = mm.vmas.firstEndingAbove(from); i < mm.vmas.size(); i++) {
            Vma vma = mm.vmas.get(i);
            if (vma.start - gapBelow(vma) - start >= size) {
                break;
            }
            start = Math.max(start, vma.end);
        }
        return start + size <= to ? start : -1;
    }

    /** Removes whatever is mapped in the range. */
    void unmapLocked(long address, long length) {
        long end = address + length;
        if (mm.vmas.isFree(address, end)) {
            return;
        }
        mm.vmas.split(address);
        mm.vmas.split(end);
        mm.sequence++;
        int index = mm.vmas.firstEndingAbove(address);
        while (index < mm.vmas.size() && mm.vmas.get(index).start < end) {
            Vma vma = mm.vmas.get(index);
            if (vma.mappable != null) {
                vma.mappable.removeMapping(mm, vma.start, vma.fileOffset, vma.length());
            }
            if (vma.file != null) {
                mm.dropped.add(vma.file);
            }
            mm.vmas.removeAt(index);
        }
        zapLocked(address, end);
    }

    /** Forgets the pages of the range, in the host's address space and in the page table. */
    void zapLocked(long start, long end) {
        long first = mm.table.nextPresent(start, end);
        if (first >= end) {
            return;
        }
        if (mm.table.anyFlag(first, end, MAPPED)) {
            mm.host.unmap(first, end - first);
        }
        long[] runs = new long[16];
        int n = 0;
        for (long at = first; at < end; at = mm.table.nextPresent(at, end)) {
            long stop = mm.table.runEnd(at, end, 0);
            if (n == runs.length) {
                runs = Arrays.copyOf(runs, 2 * n);
            }
            runs[n++] = mm.table.get(at) & OFFSET_MASK;
            runs[n++] = stop - at;
            at = stop;
        }
        mm.table.clear(start, end);
        for (int i = 0; i < n; i += 2) {
            mm.memory.release(runs[i], runs[i + 1]);
        }
    }

    /** Forgets the pages of the range that are the mapped file's own; private copies stay. */
    void zapFilePagesLocked(long start, long end) {
        for (long at = mm.table.nextPresent(start, end);
                at < end;
                at = mm.table.nextPresent(at, end)) {
            long stop = mm.table.runEnd(at, end, PRIVATE);
            if ((mm.table.get(at) & PRIVATE) == 0) {
                zapLocked(at, stop);
            }
            at = stop;
        }
    }

    /** Where the stack that contains {@code address} starts (PROT_GROWSDOWN); EINVAL when it is none. */
    long stackStartLocked(long address) throws ErrnoException {
        Vma vma = mm.vmas.find(address);
        if (vma == null) {
            throw errno(ENOMEM);
        }
        if (!vma.growsDown()) {
            throw errno(EINVAL);
        }
        return vma.start;
    }

    /** mprotect(2) on a page-aligned range; ENOMEM where nothing is mapped, after what lies before was changed (as Linux does). */
    void protectLocked(long address, long length, int prot) throws ErrnoException {
        long end = address + length;
        long at = address;
        while (at < end) {
            Vma vma = mm.vmas.find(at);
            if (vma == null) {
                throw errno(ENOMEM);
            }
            if ((prot & ~vma.maxProt) != 0) {
                throw errno(EACCES);
            }
            long stop = Math.min(end, vma.end);
            if (vma.prot != prot) {
                if ((vma.flags & Vma.SPECIAL) != 0 && (prot & PROT_WRITE) != 0) {
                    throw errno(EACCES);
                }
                if (mm.vmas.size() + 2 > MAX_VMAS) {
                    throw errno(ENOMEM);
                }
                mm.vmas.split(at);
                mm.vmas.split(stop);
                mm.vmas.require(at).prot = prot;
                mm.sequence++;
                protectHostLocked(at, stop, prot);
            }
            mm.vmas.merge(at, stop, mm.dropped);
            at = stop;
        }
    }

    private void protectHostLocked(long start, long end, int prot) {
        PageTable table = mm.table;
        if (!table.anyFlag(start, end, MAPPED)) {
            return;
        }
        if (prot == PROT_NONE) {
            mm.host.unmap(start, end - start);
            table.clearFlags(start, end, MAPPED | MAPPED_WRITABLE);
            return;
        }
        // A call for each stretch that is mapped (the host's mprotect stops at holes); after many,
        // the rest comes back by faults.
        int calls = 0;
        for (long at = table.nextPresent(start, end); at < end; at = table.nextPresent(at, end)) {
            long entry = table.get(at);
            if ((entry & MAPPED) == 0) {
                at += PAGE;
                continue;
            }
            if (++calls > MAX_HOST_CALLS) {
                mm.host.unmap(at, end - at);
                table.clearFlags(at, end, MAPPED | MAPPED_WRITABLE);
                return;
            }
            boolean guarded = mm.memory.isGuarded(entry & OFFSET_MASK);
            boolean write = (prot & PROT_WRITE) != 0 && (entry & WRITABLE) != 0 && !guarded;
            long stop = at;
            while (stop < end
                    && (table.get(stop) & (MAPPED | WRITABLE)) == (entry & (MAPPED | WRITABLE))
                    && mm.memory.isGuarded(table.get(stop) & OFFSET_MASK) == guarded) {
                long old = table.get(stop);
                table.set(stop, write ? old | MAPPED_WRITABLE : old & ~MAPPED_WRITABLE);
                stop += PAGE;
            }
            mm.host.protect(at, stop - at, write ? prot : prot & ~PROT_WRITE);
            at = stop;
        }
    }

    /** Grows the stack above {@code page} down to it, if there is one and it may. */
    @Nullable Vma growStackLocked(long page) {
        int index = mm.vmas.firstEndingAbove(page);
        if (index == mm.vmas.size()) {
            return null;
        }
        Vma stack = mm.vmas.get(index);
        if (!stack.growsDown() || stack.start <= page || stack.end - page > mm.stackLimit) {
            return null;
        }
        long floor = index == 0 ? MIN_ADDRESS : mm.vmas.get(index - 1).end;
        if (index > 0
                && mm.vmas.get(index - 1).prot != PROT_NONE
                && !mm.vmas.get(index - 1).growsDown()) {
            floor += STACK_GAP;
        }
        if (page < floor || page < MIN_ADDRESS) {
            return null;
        }
        long lowest = Math.max(floor, stack.end - (mm.stackLimit & -PAGE));
        long start = Math.max(Math.min(page, stack.start - STACK_STEP), lowest);
        if (stack.start - start > mm.addressSpaceLimit - mm.vmas.totalBytes()) {
            return null;
        }
        mm.vmas.resize(stack, Math.min(start, page), stack.end);
        return stack;
    }

    /** brk(2): the new break, or the old one when it can not be moved. */
    long brkLocked(long wanted) {
        if (wanted < mm.brkStart || wanted > mm.maxAddress) {
            return mm.brk;
        }
        long oldEnd = roundUp(mm.brk);
        long newEnd = roundUp(wanted);
        if (newEnd < oldEnd) {
            unmapLocked(newEnd, oldEnd - newEnd);
        } else if (newEnd > oldEnd) {
            if (wanted - mm.brkStart > mm.dataLimit || !isClearLocked(oldEnd, newEnd + PAGE)) {
                return mm.brk;
            }
            try {
                int flags = MAP_FIXED_NOREPLACE | Vma.HEAP;
                mapLocked(
                        oldEnd,
                        newEnd - oldEnd,
                        PROT_READ | PROT_WRITE,
                        PROT_ALL,
                        flags,
                        null,
                        0,
                        null,
                        "");
            } catch (ErrnoException e) {
                return mm.brk;
            }
        }
        mm.brk = wanted;
        return wanted;
    }

    /** Whether all of the range is mapped. */
    boolean isCoveredLocked(long start, long end) {
        long at = start;
        while (at < end) {
            Vma vma = mm.vmas.find(at);
            if (vma == null) {
                return false;
            }
            at = vma.end;
        }
        return true;
    }

    /** EINVAL or EFAULT unless the range may be the source of an mremap. */
    static void checkRemappable(@Nullable Vma vma, long address, long length)
            throws ErrnoException {
        if (vma == null || address + length > vma.end) {
            throw errno(EFAULT);
        }
        if ((vma.flags & Vma.SPECIAL) != 0) {
            throw errno(EINVAL);
        }
    }
}
