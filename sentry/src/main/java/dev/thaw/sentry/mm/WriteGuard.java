package dev.thaw.sentry.mm;

import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.mm.PageTable.LEAF_SIZE;
import static dev.thaw.sentry.mm.PageTable.MAPPED;
import static dev.thaw.sentry.mm.PageTable.MAPPED_WRITABLE;
import static dev.thaw.sentry.mm.PageTable.OFFSET_MASK;
import static dev.thaw.sentry.mm.PageTable.PAGE;
import static dev.thaw.sentry.mm.PageTable.WRITABLE;

import dev.thaw.platform.memory.MemoryFile;

/**
 * Lets a checkpoint see an address space's writes: takes write access from what the host maps, and at the first write to a page gives it back, after telling the memory file. A page that
 * {@linkplain MemoryFile#isGuarded is guarded} is never mapped writable.
 *
 * <p>Whoever writes page after page gets them in growing steps; who writes here and there gets single ones, so that little else counts as changed.
 */
final class WriteGuard {
    private static final int MAX_PROTECT_CALLS = 128;
    private static final int MAX_STEP = 32;

    /** After so many steps since the last withdrawal they take whole stretches: each may cost the host two mappings. */
    private static final int MANY_STEPS = 8192;

    private static final long STRETCH = 64 * PAGE;

    private final MemoryManager mm;
    private final MemoryFile memory;
    private final PageTable table;
    private int steps;

    WriteGuard(MemoryManager mm) {
        this.mm = mm;
        this.memory = mm.memory;
        this.table = mm.table;
    }

    /** Takes write access from everything that the host maps. The guest stands still. */
    void withdrawLocked() {
        withdrawLocked(0, mm.maxAddress);
    }

    /** Takes write access from what the host maps from {@code from} on, about {@code bytes} of it; returns where it stopped. */
    long withdrawLocked(long from, long bytes) {
        steps = 0;
        int calls = 0;
        long most = bytes;
        for (int i = 0; i < mm.vmas.size(); i++) {
            Vma vma = mm.vmas.get(i);
            if ((vma.prot & PROT_WRITE) == 0 || vma.end <= from) {
                continue;
            }
            long at = table.nextPresent(Math.max(from, vma.start), vma.end);
            while (at < vma.end) {
                long start = nextWritable(at, vma.end);
                if (start >= vma.end) {
                    break;
                }
                long end = narrow(start, Math.min(vma.end, start + most));
                if (calls++ < MAX_PROTECT_CALLS) {
                    mm.host.protect(start, end - start, vma.prot & ~PROT_WRITE);
                } else {
                    mm.host.unmap(start, mm.maxAddress - start);
                    table.clearFlags(start, mm.maxAddress, MAPPED | MAPPED_WRITABLE);
                    return mm.maxAddress;
                }
                at = end;
                most -= end - start;
                if (most <= 0) {
                    return at;
                }
            }
        }
        return mm.maxAddress;
    }

    /** The first page from {@code from} on that the host maps writable. */
    private long nextWritable(long from, long end) {
        for (long at = table.nextPresent(from, end); at < end; at = table.nextPresent(at, end)) {
            long[] leaf = table.makeLeaf(at);
            long stop = Math.min(end, (at & -LEAF_SIZE) + LEAF_SIZE);
            int last = (int) ((stop - 1 >>> 12) & 511);
            for (int slot = PageTable.slot(at); slot <= last; slot++) {
                if ((leaf[slot] & MAPPED_WRITABLE) != 0) {
                    return (at & -LEAF_SIZE) + ((long) slot << 12);
                }
            }
            at = stop;
        }
        return end;
    }

    /** Clears the flag in a run of pages that the host maps without a hole; returns its end. */
    private long narrow(long start, long end) {
        long at = start;
        while (at < end) {
            long[] leaf = table.leaf(at);
            if (leaf == null) {
                return at;
            }
            long base = at & -LEAF_SIZE;
            long stop = Math.min(end, base + LEAF_SIZE);
            int last = (int) ((stop - 1 >>> 12) & 511);
            for (int slot = PageTable.slot(at); slot <= last; slot++) {
                long entry = leaf[slot];
                if ((entry & MAPPED) == 0) {
                    return base + ((long) slot << 12);
                }
                leaf[slot] = entry & ~MAPPED_WRITABLE;
            }
            at = stop;
        }
        return end;
    }

    /** The guest writes {@code page}, which it may: takes the guard off it, and off its neighbours if it seems to go on. */
    void openLocked(Vma vma, long page) {
        long offset = table.get(page) & OFFSET_MASK;
        if (!memory.isGuarded(offset)) {
            return;
        }
        long bottom = Math.max(page & -LEAF_SIZE, vma.start);
        long ceiling = Math.min((page & -LEAF_SIZE) + LEAF_SIZE, vma.end);
        if (++steps > MANY_STEPS) {
            long start = Math.max(bottom, page & -STRETCH);
            long end = Math.min(ceiling, (page & -STRETCH) + STRETCH);
            for (long at = start; at < end; at += PAGE) {
                long entry = table.get(at);
                if ((entry & WRITABLE) != 0) {
                    memory.beforeWrite(entry & OFFSET_MASK, PAGE);
                }
            }
            return;
        }
        long hole = memory.holeLength(offset, table.runEnd(page, ceiling, WRITABLE) - page);
        if (hole > 0) {
            memory.beforeWrite(offset, hole); // costs nothing: there is nothing to save
            return;
        }
        long below = 0;
        while (below < MAX_STEP && isOpen(page - (below + 1) * PAGE, bottom, ceiling)) {
            below++;
        }
        if (below > 0) {
            long run = table.runEnd(page, Math.min(ceiling, page + below * PAGE), WRITABLE) - page;
            memory.beforeWrite(offset, run);
            return;
        }
        long above = 0;
        while (above < MAX_STEP && isOpen(page + (above + 1) * PAGE, bottom, ceiling)) {
            above++;
        }
        for (long at = page; at >= bottom && at > page - Math.max(1, above) * PAGE; at -= PAGE) {
            long entry = table.get(at);
            if ((entry & WRITABLE) == 0) {
                break;
            }
            memory.beforeWrite(entry & OFFSET_MASK, PAGE);
        }
    }

    private boolean isOpen(long page, long bottom, long ceiling) {
        if (page < bottom || page >= ceiling) {
            return false;
        }
        long entry = table.get(page);
        return (entry & MAPPED_WRITABLE) != 0 && !memory.isGuarded(entry & OFFSET_MASK);
    }
}
