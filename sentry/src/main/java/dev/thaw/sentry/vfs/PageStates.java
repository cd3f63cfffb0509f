package dev.thaw.sentry.vfs;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.state.ImageException;

/** Page tables from an image: numbers that are not trusted. */
final class PageStates {
    /** Fills {@code table} with {@code runs} of (first index, first entry, count). */
    static void fill(PageTable table, long[] runs) {
        if (runs.length % 3 != 0) {
            throw new ImageException("a page cache's table is cut short");
        }
        try {
            for (int i = 0; i < runs.length; i += 3) {
                long index = runs[i];
                long entry = runs[i + 1];
                long count = runs[i + 2];
                if (index < 0 || entry < 0 || count <= 0 || count > 1L << 29) {
                    throw new ImageException("a page cache's table is damaged");
                }
                for (long k = 0; k < count; k++) {
                    table.set(index + k, entry + (k << 12));
                }
            }
        } catch (ErrnoException e) {
            throw new ImageException("a page cache's table is damaged", e);
        }
    }

    /** Takes a reference to each page of {@code runs}: a restored memory file counts from what refers to it. */
    static void reserve(MemoryFile memory, long[] runs) {
        for (int i = 0; i < runs.length; i += 3) {
            long offset = runs[i + 1] & -MemoryFile.PAGE_SIZE;
            long length = runs[i + 2] << 12;
            if (offset > memory.size() - length) {
                throw new ImageException("a page cache's table is damaged");
            }
            memory.reserve(offset, length);
        }
    }

    private PageStates() {}
}
