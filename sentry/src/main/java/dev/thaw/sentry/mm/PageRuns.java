package dev.thaw.sentry.mm;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.state.ImageException;
import java.util.Arrays;

/**
 * A page table as numbers of an image: three for each run of pages that are consecutive in the address space and in the memory file: address, memory-file offset, bytes. In the low bits of the
 * address stand the flags that outlive a checkpoint ({@link PageTable#PRESENT}, {@link PageTable#WRITABLE}, {@link PageTable#PRIVATE}).
 */
final class PageRuns {
    private static final long KEPT = PageTable.PRESENT | PageTable.WRITABLE | PageTable.PRIVATE;

    static long[] save(PageTable table, long end) {
        long[] runs = new long[30];
        int n = 0;
        for (long at = table.nextPresent(0, end); at < end; at = table.nextPresent(at, end)) {
            long entry = table.get(at);
            long stop = table.runEnd(at, end, KEPT);
            if (n == runs.length) {
                runs = Arrays.copyOf(runs, 2 * n);
            }
            runs[n++] = at | entry & KEPT;
            runs[n++] = entry & PageTable.OFFSET_MASK;
            runs[n++] = stop - at;
            at = stop;
        }
        return Arrays.copyOf(runs, n);
    }

    /** Enters the runs and takes a reference to each page. */
    static void restore(PageTable table, long[] runs, long end, MemoryFile memory) {
        if (runs.length % 3 != 0) {
            throw new ImageException("a page table of the image is cut short");
        }
        long last = 0;
        for (int i = 0; i < runs.length; i += 3) {
            long at = runs[i] & PageTable.OFFSET_MASK;
            long flags = runs[i] & ~PageTable.OFFSET_MASK;
            long offset = runs[i + 1];
            long length = runs[i + 2];
            if ((flags & ~KEPT) != 0
                    || (flags & PageTable.PRESENT) == 0
                    || at < last
                    || length <= 0
                    || length > end - at
                    || offset < 0
                    || offset > memory.size() - length
                    || (offset | length) % PageTable.PAGE != 0) {
                throw new ImageException("a page table of the image is damaged");
            }
            memory.reserve(offset, length);
            table.setRun(at, at + length, offset, flags);
            last = at + length;
        }
    }

    private PageRuns() {}
}
