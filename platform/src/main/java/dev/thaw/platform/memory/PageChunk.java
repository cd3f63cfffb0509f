package dev.thaw.platform.memory;

import java.util.Arrays;

/** Two MiB of the memory file's offset space: 512 pages, each with its reference count and whether it is taken. Guarded by the file's lock. */
final class PageChunk {
    static final int PAGES = 512;
    static final int SHIFT = 9;

    final int[] counts = new int[PAGES];

    /** A set bit is a taken page. A page whose count fell to zero stays taken until its hole is punched. */
    private final long[] taken = new long[PAGES / Long.SIZE];

    private int free = PAGES;

    int free() {
        return free;
    }

    boolean isTaken(int page) {
        return (taken[page >> 6] & 1L << page) != 0;
    }

    /** Index of the first free run of {@code pages} aligned to {@code align}, or -1. */
    int findFree(int pages, int align) {
        if (pages > free) {
            return -1;
        }
        int start = nextFree(0, align);
        while (start + pages <= PAGES) {
            int end = start + 1;
            while (end < start + pages && !isTaken(end)) {
                end++;
            }
            if (end == start + pages) {
                return start;
            }
            start = nextFree(end + 1, align);
        }
        return -1;
    }

    private int nextFree(int from, int align) {
        int page = (from + align - 1) & -align;
        while (page < PAGES) {
            if (align == 1) {
                long word = ~taken[page >> 6] >>> page;
                if (word != 0) {
                    return page + Long.numberOfTrailingZeros(word);
                }
                page = (page | 63) + 1;
            } else {
                if (!isTaken(page)) {
                    return page;
                }
                page += align;
            }
        }
        return PAGES;
    }

    /** Takes free pages, each with count 1. */
    void take(int start, int pages) {
        setTaken(start, start + pages, true);
        free -= pages;
        Arrays.fill(counts, start, start + pages, 1);
    }

    /** Takes one page with count 1 if it is free, else adds a reference. */
    void reserve(int page) {
        if (!isTaken(page)) {
            take(page, 1);
        } else {
            counts[page]++;
        }
    }

    /** Gives back pages whose counts are zero. */
    void giveBack(int start, int pages) {
        setTaken(start, start + pages, false);
        free += pages;
    }

    private void setTaken(int start, int end, boolean value) {
        for (int i = start; i < end; ) {
            int stop = Math.min(end, (i | 63) + 1);
            long mask = (-1L >>> (64 - (stop - i))) << i;
            if (value) {
                taken[i >> 6] |= mask;
            } else {
                taken[i >> 6] &= ~mask;
            }
            i = stop;
        }
    }
}
