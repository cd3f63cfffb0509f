package dev.thaw.sentry.mm;

import static dev.thaw.abi.Mman.MAP_ANONYMOUS;
import static dev.thaw.abi.Mman.MAP_FIXED_NOREPLACE;
import static dev.thaw.abi.Mman.MAP_PRIVATE;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.mm.PageTable.MAPPED;
import static dev.thaw.sentry.mm.PageTable.OFFSET_MASK;
import static dev.thaw.sentry.mm.PageTable.PAGE;
import static dev.thaw.sentry.mm.PageTable.PRESENT;
import static dev.thaw.sentry.mm.PageTable.PRIVATE;
import static dev.thaw.sentry.mm.PageTable.WRITABLE;

import dev.thaw.platform.CallSitePatcher;
import dev.thaw.sentry.ErrnoException;
import java.lang.foreign.MemorySegment;

/** What a platform needs of an address space to turn system call instructions into jumps. */
final class TextPatcher implements CallSitePatcher {
    private static final long REACH = 1L << 31;

    private final MemoryManager mm;

    TextPatcher(MemoryManager mm) {
        this.mm = mm;
    }

    @Override
    public boolean readText(long address, byte[] target) {
        mm.mu.lock();
        try {
            for (long at = address; at < address + target.length; ) {
                Vma vma = mm.vmas.find(at);
                if (vma == null || (vma.prot & PROT_EXEC) == 0) {
                    return false;
                }
                at = vma.end;
            }
        } finally {
            mm.mu.unlock();
        }
        for (int done = 0; done < target.length; ) {
            long count =
                    mm.copy.read(
                            address + done,
                            MemorySegment.ofArray(target),
                            done,
                            target.length - done);
            if (count == 0) {
                return false;
            }
            done += (int) count;
        }
        return true;
    }

    @Override
    public boolean writeText(long address, byte[] expected, byte[] replacement) {
        long page = address & -PAGE;
        if (page != (address + expected.length - 1 & -PAGE)
                || mm.faults.resolve(page, PROT_EXEC, false) != FaultResult.RESOLVED) {
            return false;
        }
        mm.mu.lock();
        try {
            Vma vma = mm.vmas.find(page);
            long entry = mm.table.get(page);
            if (entry == 0
                    || vma == null
                    || vma.isShared()
                    || (vma.prot & (PROT_EXEC | PROT_WRITE)) != PROT_EXEC) {
                return false;
            }
            MemorySegment view = mm.memory.view();
            long old = entry & OFFSET_MASK;
            long within = address - page;
            mm.memory.load(old, PAGE);
            MemorySegment was = view.asSlice(old + within, expected.length);
            if (was.mismatch(MemorySegment.ofArray(expected)) >= 0) {
                return false;
            }
            long copy = mm.memory.allocateForOverwrite();
            if (copy < 0) {
                return false;
            }
            MemorySegment.copy(view, old, view, copy, PAGE);
            MemorySegment.copy(
                    MemorySegment.ofArray(replacement), 0, view, copy + within, replacement.length);
            // The new mapping takes the old one's place in one step; only then may the old page go.
            if (mm.host.map(page, PAGE, copy, vma.prot, true) < 0) {
                mm.host.unmap(page, PAGE);
                mm.table.set(page, copy | PRESENT | WRITABLE | PRIVATE);
            } else {
                mm.table.set(page, copy | PRESENT | WRITABLE | PRIVATE | MAPPED);
            }
            mm.sequence++;
            mm.memory.release(old, PAGE);
            return true;
        } finally {
            mm.mu.unlock();
        }
    }

    @Override
    public long allocateTrampolines(long near, long length) {
        mm.mu.lock();
        try {
            long place = mm.mappings.placeNearLocked(near, length, REACH - 2 * length);
            if (place < 0) {
                return 0;
            }
            int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
            return mm.mappings.mapLocked(
                    place,
                    length,
                    PROT_READ | PROT_EXEC,
                    Mappings.PROT_ALL,
                    flags,
                    null,
                    0,
                    null,
                    "");
        } catch (ErrnoException e) {
            return 0;
        } finally {
            mm.unlock();
        }
    }
}
