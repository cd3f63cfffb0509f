package dev.thaw.sentry.mm;

import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.mm.PageTable.LEAF_SIZE;
import static dev.thaw.sentry.mm.PageTable.MAPPED;
import static dev.thaw.sentry.mm.PageTable.MAPPED_WRITABLE;
import static dev.thaw.sentry.mm.PageTable.OFFSET_MASK;
import static dev.thaw.sentry.mm.PageTable.PAGE;
import static dev.thaw.sentry.mm.PageTable.PRESENT;
import static dev.thaw.sentry.mm.PageTable.PRIVATE;
import static dev.thaw.sentry.mm.PageTable.WRITABLE;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Makes pages present: demand allocation, file pages, copy on write, stack growth, and the host mapping behind them.
 *
 * <p>Anonymous memory is taken in aligned pieces of up to 2 MiB of the memory file's <em>offset space</em> (the memfd is sparse) and mapped at once, so that later first touches are the
 * host kernel's work alone. File pages are fetched with no lock held; {@link MemoryManager#sequence} tells whether the address space changed meanwhile.
 */
final class Faults {
    /** How much of a file is mapped around a fault. */
    private static final long FILE_WINDOW = 128 << 10;

    /** How much is mapped at once while pages still wait in an image: they come in chunks of this size. */
    private static final long LAZY_WINDOW = 256 << 10;

    /** Pages that a copy on write copies at once, at most. */
    private static final int COPY_PAGES = 4;

    /** Host pages up to this many bytes are made at once when they hold nothing yet. */
    private static final long POPULATE_ANONYMOUS = 4 * PAGE;

    private final MemoryManager mm;
    private final MemoryFile memory;
    private final PageTable table;

    Faults(MemoryManager mm) {
        this.mm = mm;
        this.memory = mm.memory;
        this.table = mm.table;
    }

    /**
     * Makes the page at {@code address} present for {@code access}, and with {@code host} maps it and what lies around it for the guest. Returns a {@link FaultResult}.
     */
    int resolve(long address, int access, boolean host) {
        long page = address & -PAGE;
        boolean write = (access & PROT_WRITE) != 0;
        while (true) {
            Fetch fetch;
            mm.mu.lock();
            try {
                Vma vma = mm.vmas.find(page);
                if (vma == null) {
                    vma = mm.mappings.growStackLocked(page);
                    if (vma == null) {
                        return FaultResult.MAPERR;
                    }
                }
                if (!vma.permits(access)) {
                    return FaultResult.ACCERR;
                }
                long entry = table.get(page);
                boolean fresh = false;
                if (entry == 0 && vma.mappable == null) {
                    if (!populateAnonymousLocked(vma, page)) {
                        return FaultResult.OUT_OF_MEMORY;
                    }
                    fresh = true;
                    entry = table.get(page);
                }
                boolean needsWrite = write && (entry & WRITABLE) == 0;
                if (entry == 0 || (needsWrite && vma.isShared())) {
                    fetch = fetchFor(vma, page, entry != 0 || write);
                } else {
                    boolean filled =
                            !fresh
                                    && vma.mappable != null
                                    && !(vma.mappable instanceof SharedMemory);
                    if (needsWrite && !takeExclusiveLocked(vma, page)) {
                        int copied = copyLocked(vma, page, host);
                        if (copied == NO_MEMORY) {
                            return FaultResult.OUT_OF_MEMORY;
                        }
                        filled = copied == FILLED;
                    }
                    if (host && write && memory.hasGuards()) {
                        mm.guard.openLocked(vma, page);
                    }
                    return host ? mapAroundLocked(vma, page, filled) : FaultResult.RESOLVED;
                }
            } finally {
                mm.mu.unlock();
            }
            int result = fetch(fetch, page);
            if (result != FaultResult.RESOLVED) {
                return result;
            }
        }
    }

    /** Takes fresh pages for the hole around {@code page} in its 2 MiB block. */
    private boolean populateAnonymousLocked(Vma vma, long page) {
        long block = page & -LEAF_SIZE;
        long[] leaf = table.makeLeaf(page);
        long low = page;
        long bottom = Math.max(block, vma.start);
        while (low > bottom && leaf[PageTable.slot(low - PAGE)] == 0) {
            low -= PAGE;
        }
        long high = page + PAGE;
        long ceiling = Math.min(block + LEAF_SIZE, vma.end);
        while (high < ceiling && leaf[PageTable.slot(high)] == 0) {
            high += PAGE;
        }
        long pages = (high - low) >> 12;
        long offset = memory.allocate(pages, high - low == LEAF_SIZE ? pages : 1);
        if (offset < 0) {
            return false;
        }
        table.setRun(low, high, offset, PRESENT | WRITABLE | PRIVATE);
        return true;
    }

    /** If this address space is the only holder of the page, it may write it (and its neighbours of which the same holds). */
    private boolean takeExclusiveLocked(Vma vma, long page) {
        if (!memory.isExclusive(table.get(page) & OFFSET_MASK)) {
            return false;
        }
        long[] leaf = table.makeLeaf(page);
        long bottom = Math.max(page & -LEAF_SIZE, vma.start);
        long ceiling = Math.min((page & -LEAF_SIZE) + LEAF_SIZE, vma.end);
        for (long at = page; at >= bottom && makeWritable(leaf, PageTable.slot(at)); ) {
            at -= PAGE;
        }
        for (long at = page + PAGE; at < ceiling && makeWritable(leaf, PageTable.slot(at)); ) {
            at += PAGE;
        }
        return true;
    }

    private boolean makeWritable(long[] leaf, int slot) {
        long entry = leaf[slot];
        if ((entry & (PRESENT | WRITABLE)) != PRESENT || !memory.isExclusive(entry & OFFSET_MASK)) {
            return false;
        }
        leaf[slot] = entry | WRITABLE;
        return true;
    }

    private static final int NO_MEMORY = 0;
    private static final int EMPTY = 1;
    private static final int FILLED = 2;

    /** Gives this address space pages of its own in place of shared ones. */
    private int copyLocked(Vma vma, long page, boolean host) {
        long ceiling = Math.min((page & -LEAF_SIZE) + LEAF_SIZE, vma.end);
        // A page of the mapped file is copied alone: its neighbours still show what others write to
        // the file.
        boolean own = (table.get(page) & PRIVATE) != 0;
        long run = own ? table.runEnd(page, ceiling, WRITABLE | PRIVATE) - page : PAGE;
        long old = table.get(page) & OFFSET_MASK;
        long hole = memory.holeLength(old, run);
        if (hole > 0) {
            // Nothing was ever written here: fresh zero pages do, and the shared ones stay without
            // memory.
            return replaceLocked(page, hole, memory.allocate(hole >> 12, 1), host)
                    ? EMPTY
                    : NO_MEMORY;
        }
        long length =
                Math.min(run, COPY_PAGES * (long) PAGE - (page & (COPY_PAGES * (long) PAGE - 1)));
        while (length > PAGE && memory.isExclusive(old + length - PAGE)) {
            length -= PAGE;
        }
        long copy =
                length == PAGE ? memory.allocateForOverwrite() : memory.allocate(length >> 12, 1);
        if (copy < 0) {
            return NO_MEMORY;
        }
        memory.load(old, length);
        MemorySegment.copy(memory.view(), old, memory.view(), copy, length);
        return replaceLocked(page, length, copy, host) ? FILLED : NO_MEMORY;
    }

    private boolean replaceLocked(long page, long length, long offset, boolean host) {
        if (offset < 0) {
            return false;
        }
        if (!host && table.anyFlag(page, page + length, MAPPED)) {
            mm.host.unmap(page, length);
        }
        long old = table.get(page) & OFFSET_MASK;
        table.setRun(page, page + length, offset, PRESENT | WRITABLE | PRIVATE);
        memory.release(old, length);
        return true;
    }

    /** Maps the run of consecutive pages around {@code page} that the host does not map yet as it may. */
    private int mapAroundLocked(Vma vma, long page, boolean filled) {
        long entry = table.get(page);
        boolean mayWrite = (entry & WRITABLE) != 0 && (vma.prot & PROT_WRITE) != 0;
        boolean guards = mayWrite && memory.hasGuards();
        boolean guarded = guards && memory.isGuarded(entry & OFFSET_MASK);
        boolean writable = mayWrite && !guarded;
        int prot = writable ? vma.prot : vma.prot & ~PROT_WRITE;
        long done = writable ? MAPPED | MAPPED_WRITABLE : MAPPED;
        long bottom = Math.max(page & -LEAF_SIZE, vma.start);
        long ceiling = Math.min((page & -LEAF_SIZE) + LEAF_SIZE, vma.end);
        boolean lazy = memory.isLazy();
        if (lazy) {
            bottom = Math.max(bottom, page & -LAZY_WINDOW);
            ceiling = Math.min(ceiling, (page & -LAZY_WINDOW) + LAZY_WINDOW);
        }
        long[] leaf = table.makeLeaf(page);
        long care = OFFSET_MASK | WRITABLE;
        long low = page;
        boolean allMapped = (entry & MAPPED) != 0;
        for (long wanted = (entry & care) - PAGE; low > bottom; wanted -= PAGE) {
            long below = leaf[PageTable.slot(low - PAGE)];
            if (below == 0
                    || (below & care) != wanted
                    || (below & done) == done
                    || (guards && memory.isGuarded(below & OFFSET_MASK) != guarded)) {
                break;
            }
            allMapped &= (below & MAPPED) != 0;
            low -= PAGE;
        }
        long high = page + PAGE;
        for (long wanted = (entry & care) + PAGE; high < ceiling; wanted += PAGE) {
            long above = leaf[PageTable.slot(high)];
            if (above == 0
                    || (above & care) != wanted
                    || (above & done) == done
                    || (guards && memory.isGuarded(above & OFFSET_MASK) != guarded)) {
                break;
            }
            allMapped &= (above & MAPPED) != 0;
            high += PAGE;
        }
        long offset = (entry & OFFSET_MASK) - (page - low);
        if (lazy) {
            memory.load(offset, high - low);
        }
        if (allMapped && (entry & done) != done) {
            mm.host.protect(low, high - low, prot);
        } else {
            boolean populate =
                    high - low <= (filled ? FILE_WINDOW : POPULATE_ANONYMOUS)
                            || (writable && isNextOfSequenceLocked(vma, low, high));
            if (!mapLocked(low, high - low, offset, prot, populate)) {
                return FaultResult.OUT_OF_MEMORY;
            }
        }
        for (long at = low; at < high; at += PAGE) {
            leaf[PageTable.slot(at)] =
                    (leaf[PageTable.slot(at)] & ~(MAPPED | MAPPED_WRITABLE)) | done;
        }
        return FaultResult.RESOLVED;
    }

    /**
     * Whether the guest touches anonymous memory in order: a whole block, and it wrote every page of the block before. Then the host makes the pages at once, at half the price of a fault for each
     * (measured: 64 MiB in order, 2.4 to 1.5 us a page).
     */
    private boolean isNextOfSequenceLocked(Vma vma, long low, long high) {
        long before = low - LEAF_SIZE;
        if (high - low != LEAF_SIZE || vma.mappable != null || before < vma.start) {
            return false;
        }
        long first = table.get(before);
        return (first & MAPPED_WRITABLE) != 0
                && table.runEnd(before, low, WRITABLE | PRIVATE) == low
                && memory.isPopulated(first & OFFSET_MASK, LEAF_SIZE);
    }

    private boolean mapLocked(long address, long length, long offset, int prot, boolean populate) {
        if (mm.host.map(address, length, offset, prot, populate) >= 0) {
            return true;
        }
        // The host's limit on mappings is reached: forget all, faults bring back what is used.
        mm.host.unmap(Mappings.MIN_ADDRESS, mm.maxAddress - Mappings.MIN_ADDRESS);
        table.clearFlags(0, mm.maxAddress, MAPPED | MAPPED_WRITABLE);
        return mm.host.map(address, length, offset, prot, populate) >= 0;
    }

    /** What to ask a file for. */
    private record Fetch(
            Vma vma,
            Mappable file,
            long start,
            long end,
            long fileOffset,
            boolean write,
            long sequence) {}

    private Fetch fetchFor(Vma vma, long page, boolean write) {
        Mappable mappable = Objects.requireNonNull(vma.mappable);
        boolean shared = vma.isShared();
        long window = mappable instanceof SharedMemory ? LEAF_SIZE : FILE_WINDOW;
        long low = page;
        long high = page + PAGE;
        if (table.get(page) == 0 && !(shared && write && !(mappable instanceof SharedMemory))) {
            long bottom = Math.max(page & -window, vma.start);
            long ceiling = Math.min((page & -window) + window, vma.end);
            long[] leaf = table.makeLeaf(page);
            while (low > bottom && leaf[PageTable.slot(low - PAGE)] == 0) {
                low -= PAGE;
            }
            while (high < ceiling && leaf[PageTable.slot(high)] == 0) {
                high += PAGE;
            }
        }
        boolean dirty = shared && (write || mappable instanceof SharedMemory);
        return new Fetch(vma, mappable, low, high, vma.offsetOf(low), dirty, mm.sequence);
    }

    /** Fetches pages with no lock held and enters them. RESOLVED also when the address space changed meanwhile: the caller looks again. */
    private int fetch(Fetch fetch, long page) {
        long at = fetch.start;
        while (at < fetch.end) {
            Mappable.PageRun run;
            try {
                run =
                        fetch.file.pages(
                                fetch.fileOffset + (at - fetch.start), fetch.end - at, fetch.write);
            } catch (ErrnoException e) {
                if (at == page) {
                    return FaultResult.BUS;
                }
                if (at > page) {
                    return FaultResult.RESOLVED;
                }
                at = page; // the window's beginning can not be had: the page itself may
                continue;
            }
            if (!enter(fetch, at, run)) {
                return FaultResult.RESOLVED;
            }
            at += run.length();
        }
        return FaultResult.RESOLVED;
    }

    /** Enters fetched pages where there are none yet; false when the address space changed since the fetch was planned. */
    private boolean enter(Fetch fetch, long address, Mappable.PageRun run) {
        long flags = PRESENT | (fetch.write ? WRITABLE : 0);
        mm.mu.lock();
        try {
            if (mm.sequence != fetch.sequence) {
                memory.release(run.memoryOffset(), run.length());
                return false;
            }
            for (long done = 0; done < run.length(); done += PAGE) {
                long entry = table.get(address + done);
                long offset = run.memoryOffset() + done;
                if (entry == 0) {
                    table.set(address + done, offset | flags);
                } else if ((entry & OFFSET_MASK) == offset) {
                    table.set(address + done, entry | flags);
                    memory.release(offset, PAGE);
                } else if (fetch.vma.isShared()) {
                    if ((entry & MAPPED) != 0) {
                        mm.host.unmap(address + done, PAGE);
                    }
                    table.set(address + done, offset | flags);
                    memory.release(entry & OFFSET_MASK, PAGE);
                } else {
                    memory.release(offset, PAGE); // another thread was first, with a private copy
                }
            }
            return true;
        } finally {
            mm.mu.unlock();
        }
    }
}
