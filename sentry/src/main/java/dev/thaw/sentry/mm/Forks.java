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
        long protectStart = 0;
        long protectEnd = 0;
        int protectProt = 0;
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
            if (sharePages(parent, child, vma)) {
                // Neighbours with equal access are narrowed by one call.
                if (protectEnd != vma.start || protectProt != vma.prot) {
                    narrow(parent, protectStart, protectEnd, protectProt);
                    protectStart = vma.start;
                    protectProt = vma.prot;
                }
                protectEnd = vma.end;
            }
        }
        narrow(parent, protectStart, protectEnd, protectProt);
    }

    private static void narrow(MemoryManager parent, long start, long end, int prot) {
        if (start < end) {
            parent.host.protect(start, end - start, prot & ~PROT_WRITE);
        }
    }

    /** Shares the pages of one VMA; returns whether the parent's host mapping must lose write access. */
    private static boolean sharePages(MemoryManager parent, MemoryManager child, Vma vma) {
        PageTable from = parent.table;
        PageTable to = child.table;
        boolean shared = vma.isShared();
        boolean narrowed = false;
        long gone = shared ? 0 : WRITABLE | MAPPED_WRITABLE;
        for (long at = from.nextPresent(vma.start, vma.end); at < vma.end; at = from.nextPresent(at, vma.end)) {
            long stop = from.runEnd(at, vma.end, 0);
            parent.memory.retain(from.get(at) & OFFSET_MASK, stop - at);
            while (at < stop) {
                long[] source = from.makeLeaf(at);
                long[] target = to.makeLeaf(at);
                long end = Math.min(stop, (at & -PageTable.LEAF_SIZE) + PageTable.LEAF_SIZE);
                for (; at < end; at += PAGE) {
                    int slot = PageTable.slot(at);
                    long entry = source[slot];
                    narrowed |= !shared && (entry & MAPPED_WRITABLE) != 0;
                    source[slot] = entry & ~gone;
                    target[slot] = entry & ~(gone | MAPPED | MAPPED_WRITABLE);
                }
            }
        }
        return narrowed;
    }

    private Forks() {}
}
