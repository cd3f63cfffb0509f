package dev.thaw.platform.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Two MiB of the memory file's offset space: 512 pages, each with its reference count, whether it is taken, and whether it was written since the last snapshot. Guarded by the file's lock, but for the last:
 * words of 64 pages that are read and cleared without it.
 */
final class PageChunk {
    static final int PAGES = 512;
    static final int SHIFT = 9;
    static final int WORDS = PAGES / Long.SIZE;

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    final int[] counts = new int[PAGES];

    /** A set bit is a taken page. A page whose count fell to zero stays taken until its hole is punched. */
    private final long[] taken = new long[WORDS];

    /** A set bit is a page as the last snapshot (or the image) has it: {@link MemoryFile#beforeWrite} must be told before it changes. Atomic words. */
    private final long[] guarded = new long[WORDS];

    /** Guarded pages that nevertheless differ from the last image that was finished. */
    private final long[] changed = new long[WORDS];

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

    long guarded(int word) {
        return (long) WORD.getAcquire(guarded, word);
    }

    void guard(int word, long mask) {
        WORD.getAndBitwiseOr(guarded, word, mask);
    }

    void unguard(int word, long mask) {
        WORD.getAndBitwiseAnd(guarded, word, ~mask);
    }

    /** Takes the guard off a range of fresh pages. */
    void unguardRange(int start, int end) {
        for (int i = start; i < end; ) {
            int stop = Math.min(end, (i | 63) + 1);
            long mask = (-1L >>> (64 - (stop - i))) << i;
            if ((guarded(i >> 6) & mask) != 0) {
                unguard(i >> 6, mask);
            }
            i = stop;
        }
    }

    long taken(int word) {
        return taken[word];
    }

    /** Guards all taken pages of a word. Those that were not count as changed. */
    void guardTaken(int word) {
        long before = (long) WORD.getAndBitwiseOr(guarded, word, taken[word]);
        changed[word] = (changed[word] | ~before) & taken[word];
    }

    /** The pages that differ from the last image, all pages being guarded; from now on none counts so. */
    long takeChanged(int word) {
        long result = changed[word];
        changed[word] = 0;
        return result;
    }

    /** The image came to nothing: these differ still from the one before. */
    void restoreChanges(int word, long mask) {
        changed[word] |= mask;
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
