package dev.thaw.sentry.mm;

import static dev.thaw.abi.Errno.EBUSY;
import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Mman.MADV_DODUMP;
import static dev.thaw.abi.Mman.MADV_DOFORK;
import static dev.thaw.abi.Mman.MADV_DONTDUMP;
import static dev.thaw.abi.Mman.MADV_DONTFORK;
import static dev.thaw.abi.Mman.MADV_DONTNEED;
import static dev.thaw.abi.Mman.MADV_DONTNEED_LOCKED;
import static dev.thaw.abi.Mman.MADV_FREE;
import static dev.thaw.abi.Mman.MADV_KEEPONFORK;
import static dev.thaw.abi.Mman.MADV_POPULATE_READ;
import static dev.thaw.abi.Mman.MADV_POPULATE_WRITE;
import static dev.thaw.abi.Mman.MADV_WIPEONFORK;
import static dev.thaw.abi.Mman.MAP_LOCKED;
import static dev.thaw.abi.Mman.MCL_CURRENT;
import static dev.thaw.abi.Mman.MCL_FUTURE;
import static dev.thaw.abi.Mman.MS_INVALIDATE;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;

/** madvise, mincore, msync, mlock: what says something about pages without changing what they hold (but for MADV_DONTNEED). */
public final class MemoryAdvice {
    private final MemoryManager mm;

    MemoryAdvice(MemoryManager mm) {
        this.mm = mm;
    }

    /** madvise(2) on a checked, page-aligned range. Advice that only tunes Linux is accepted and changes nothing. */
    public void advise(long address, long length, int advice) throws ErrnoException {
        switch (advice) {
            case MADV_POPULATE_READ -> populate(address, length, PROT_READ);
            case MADV_POPULATE_WRITE -> populate(address, length, PROT_WRITE);
            default -> adviseMapped(address, length, advice);
        }
    }

    private void adviseMapped(long address, long length, int advice) throws ErrnoException {
        long end = address + length;
        boolean hole = false;
        mm.mu.lock();
        try {
            long at = address;
            while (at < end) {
                int index = mm.vmas.firstEndingAbove(at);
                if (index == mm.vmas.size() || mm.vmas.get(index).start >= end) {
                    hole = true;
                    break;
                }
                Vma vma = mm.vmas.get(index);
                hole |= vma.start > at;
                long from = Math.max(at, vma.start);
                long to = Math.min(end, vma.end);
                adviseVmaLocked(vma, from, to, advice);
                at = to;
            }
            mm.vmas.merge(address, end, mm.dropped);
        } finally {
            mm.unlock();
        }
        if (hole) {
            throw errno(ENOMEM); // after the mapped parts were advised, as Linux does
        }
    }

    private void adviseVmaLocked(Vma vma, long from, long to, int advice) throws ErrnoException {
        boolean anonymous = vma.mappable == null;
        switch (advice) {
            case MADV_DONTNEED, MADV_DONTNEED_LOCKED -> {
                if ((vma.flags & Vma.SPECIAL) != 0
                        || (advice == MADV_DONTNEED && (vma.flags & MAP_LOCKED) != 0)) {
                    throw errno(EINVAL);
                }
                mm.sequence++;
                mm.mappings.zapLocked(from, to);
            }
            case MADV_FREE -> {
                if (!anonymous) {
                    throw errno(EINVAL);
                }
                // Linux may keep the content until memory is short; nothing may rely on it, and
                // keeping it costs no call now.
            }
            case MADV_DONTFORK -> setFlagLocked(vma, from, to, Vma.DONTFORK, true);
            case MADV_DOFORK -> {
                if ((vma.flags & Vma.SPECIAL) != 0) {
                    throw errno(EINVAL);
                }
                setFlagLocked(vma, from, to, Vma.DONTFORK, false);
            }
            case MADV_WIPEONFORK -> {
                if (!anonymous) {
                    throw errno(EINVAL);
                }
                setFlagLocked(vma, from, to, Vma.WIPEONFORK, true);
            }
            case MADV_KEEPONFORK -> setFlagLocked(vma, from, to, Vma.WIPEONFORK, false);
            case MADV_DONTDUMP, MADV_DODUMP -> {}
            default -> {}
        }
    }

    private void setFlagLocked(Vma vma, long from, long to, int flag, boolean on) {
        if (((vma.flags & flag) != 0) == on) {
            return;
        }
        mm.vmas.split(from);
        mm.vmas.split(to);
        Vma part = mm.vmas.require(from);
        part.flags = on ? part.flags | flag : part.flags & ~flag;
    }

    /** Makes all pages of the range present (MAP_POPULATE, MADV_POPULATE_x). */
    private void populate(long address, long length, int access) throws ErrnoException {
        for (long at = address; at < address + length; at += PageTable.PAGE) {
            int result = mm.faults.resolve(at, access, false);
            if (result != FaultResult.RESOLVED) {
                throw errno(
                        result == FaultResult.MAPERR
                                ? ENOMEM
                                : result == FaultResult.ACCERR ? EINVAL : EFAULT);
            }
        }
    }

    /** mincore(2): a byte for each page, 1 when it is there. ENOMEM where nothing is mapped. */
    public byte[] residency(long address, long length) throws ErrnoException {
        long end = address + length;
        byte[] pages = new byte[(int) (length >> 12)];
        mm.mu.lock();
        try {
            if (!mm.mappings.isCoveredLocked(address, end)) {
                throw errno(ENOMEM);
            }
            for (long at = mm.table.nextPresent(address, end);
                    at < end;
                    at = mm.table.nextPresent(at + PageTable.PAGE, end)) {
                long offset = mm.table.get(at) & PageTable.OFFSET_MASK;
                pages[(int) (at - address >> 12)] =
                        (byte) (mm.memory.holeLength(offset, PageTable.PAGE) > 0 ? 0 : 1);
            }
            return pages;
        } finally {
            mm.mu.unlock();
        }
    }

    /** msync(2): shared pages are the page cache's own, so there is nothing to write back here. */
    public void sync(long address, long length, int flags) throws ErrnoException {
        mm.mu.lock();
        try {
            if (!mm.mappings.isCoveredLocked(address, address + length)) {
                throw errno(ENOMEM);
            }
            for (int i = mm.vmas.firstEndingAbove(address);
                    i < mm.vmas.size() && mm.vmas.get(i).start < address + length;
                    i++) {
                if ((flags & MS_INVALIDATE) != 0 && (mm.vmas.get(i).flags & MAP_LOCKED) != 0) {
                    throw errno(EBUSY);
                }
            }
        } finally {
            mm.mu.unlock();
        }
    }

    /** mlock(2) and munlock(2): memory of a sandbox is never swapped by the Sentry, so only the flag is kept. */
    public void lock(long address, long length, boolean on) throws ErrnoException {
        long end = address + length;
        mm.mu.lock();
        try {
            if (!mm.mappings.isCoveredLocked(address, end)) {
                throw errno(ENOMEM);
            }
            for (long at = address; at < end; ) {
                Vma vma = mm.vmas.require(at);
                long to = Math.min(end, vma.end);
                setFlagLocked(vma, at, to, MAP_LOCKED, on);
                at = to;
            }
            mm.vmas.merge(address, end, mm.dropped);
        } finally {
            mm.unlock();
        }
    }

    /** mlockall(2) (flags not 0) and munlockall(2) (0). */
    public void lockAll(int flags) {
        mm.mu.lock();
        try {
            mm.defaultLocked = (flags & MCL_FUTURE) != 0 ? MAP_LOCKED : 0;
            if (flags == 0 || (flags & MCL_CURRENT) != 0) {
                for (int i = 0; i < mm.vmas.size(); i++) {
                    Vma vma = mm.vmas.get(i);
                    vma.flags = flags == 0 ? vma.flags & ~MAP_LOCKED : vma.flags | MAP_LOCKED;
                }
            }
            mm.vmas.merge(0, mm.maxAddress, mm.dropped);
        } finally {
            mm.unlock();
        }
    }

    /** Bytes of pages that are there (VmRSS). */
    public long residentBytes() {
        long bytes = 0;
        mm.mu.lock();
        try {
            for (long at = mm.table.nextPresent(0, mm.maxAddress);
                    at < mm.maxAddress;
                    at = mm.table.nextPresent(at, mm.maxAddress)) {
                long end = mm.table.runEnd(at, mm.maxAddress, 0);
                long offset = mm.table.get(at) & PageTable.OFFSET_MASK;
                long length = end - at;
                while (length > 0) {
                    long hole = mm.memory.holeLength(offset, length);
                    if (hole == 0) {
                        long step = Math.min(length, PageTable.LEAF_SIZE / 8);
                        bytes += step;
                        hole = step;
                    }
                    offset += hole;
                    length -= hole;
                }
                at = end;
            }
            return bytes;
        } finally {
            mm.mu.unlock();
        }
    }
}
