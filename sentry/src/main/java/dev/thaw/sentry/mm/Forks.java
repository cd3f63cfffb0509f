package dev.thaw.sentry.mm;

import static dev.thaw.abi.Mman.MAP_LOCKED;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.mm.PageTable.MAPPED;
import static dev.thaw.sentry.mm.PageTable.MAPPED_WRITABLE;
import static dev.thaw.sentry.mm.PageTable.OFFSET_MASK;
import static dev.thaw.sentry.mm.PageTable.PAGE;
import static dev.thaw.sentry.mm.PageTable.WRITABLE;

/** The memory half of fork(2): the child gets references to the parent's pages, and both lose write access to private ones. */
final class Forks {
    /** Copies everything of {@code parent} to the empty {@code child}; both locks are held. */
    static void copyLocked(MemoryManager parent, MemoryManager child) {
        child.mmapBase = parent.mmapBase;
        child.brkStart = parent.brkStart;
        child.brk = parent.brk;
        child.stackLimit = parent.stackLimit;
        child.addressSpaceLimit = parent.addressSpaceLimit;
        child.dataLimit = parent.dataLimit;
        Narrowing narrowing = new Narrowing(parent);
        for (int i = 0; i < parent.vmas.size(); i++) {
            Vma vma = parent.vmas.get(i);
            if ((vma.flags & Vma.DONTFORK) != 0) {
                continue;
            }
            Vma copy = vma.part(vma.start, vma.end);
            copy.flags &= ~MAP_LOCKED;
            child.vmas.insert(copy);
            if (copy.mappable != null) {
                copy.mappable.addMapping(child, copy.start, copy.fileOffset, copy.length());
            }
            if ((vma.flags & Vma.WIPEONFORK) != 0) {
                continue;
            }
            sharePages(parent, child, vma, narrowing);
        }
        narrowing.finish();
    }

    /**
     * Takes write access from what the parent's host address space maps. A call for each stretch of mapped pages with equal access keeps them mapped, but each costs; after many, the
     * rest is unmapped at once and comes back by faults.
     */
    private static final class Narrowing {
        private static final int MAX_CALLS = 32;

        private final MemoryManager mm;
        private long start;
        private long end;
        private int prot;
        private int calls;
        private long unmapStart = -1;

        Narrowing(MemoryManager mm) {
            this.mm = mm;
        }

        /** One mapped page that was writable; pages come in order of address. */
        void add(long page, int vmaProt) {
            if (page != end || vmaProt != prot) {
                flush();
                start = page;
                prot = vmaProt;
            }
            end = page + PAGE;
        }

        private void flush() {
            if (start == end) {
                return;
            }
            if (calls < MAX_CALLS) {
                calls++;
                mm.host.protect(start, end - start, prot & ~PROT_WRITE);
            } else if (unmapStart < 0) {
                unmapStart = start;
            }
        }

        void finish() {
            flush();
            if (unmapStart >= 0) {
                mm.host.unmap(unmapStart, end - unmapStart);
                mm.table.clearFlags(unmapStart, end, MAPPED | MAPPED_WRITABLE);
            }
        }
    }

    /** Shares the pages of one VMA. */
    private static void sharePages(
            MemoryManager parent, MemoryManager child, Vma vma, Narrowing narrowing) {
        PageTable from = parent.table;
        PageTable to = child.table;
        boolean shared = vma.isShared();
        long gone = shared ? 0 : WRITABLE | MAPPED_WRITABLE;
        for (long at = from.nextPresent(vma.start, vma.end);
                at < vma.end;
                at = from.nextPresent(at, vma.end)) {
            long stop = from.runEnd(at, vma.end, 0);
            parent.memory.retain(from.get(at) & OFFSET_MASK, stop - at);
            while (at < stop) {
                long[] source = from.makeLeaf(at);
                long[] target = to.makeLeaf(at);
                long end = Math.min(stop, (at & -PageTable.LEAF_SIZE) + PageTable.LEAF_SIZE);
                for (; at < end; at += PAGE) {
                    int slot = PageTable.slot(at);
                    long entry = source[slot];
                    if (!shared && (entry & MAPPED_WRITABLE) != 0) {
                        narrowing.add(at, vma.prot);
                    }
                    source[slot] = entry & ~gone;
                    target[slot] = entry & ~(gone | MAPPED | MAPPED_WRITABLE);
                }
            }
        }
    }

    private Forks() {}
}
