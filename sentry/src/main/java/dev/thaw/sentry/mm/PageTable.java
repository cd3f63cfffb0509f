package dev.thaw.sentry.mm;

import org.jspecify.annotations.Nullable;

/**
 * The Sentry's page table of one address space: a radix tree over 48 address bits whose leaves cover 2 MiB. An entry is a memory-file offset with flags in its low bits, or 0. Guarded by the
 * address space's lock.
 */
final class PageTable {
    static final int PAGE = 4096;
    static final long LEAF_SIZE = 2L << 20;

    /** There is a page. */
    static final long PRESENT = 1;

    /** This address space may write the page without copying it: it is its only holder, or the mapping is shared. */
    static final long WRITABLE = 2;

    /** The host's address space maps the page. */
    static final long MAPPED = 4;

    /** … with write access. */
    static final long MAPPED_WRITABLE = 8;

    /** The page is this address space's (and its forks'), not the mapped file's: it stays when the file's pages change. */
    static final long PRIVATE = 16;

    static final long OFFSET_MASK = -PAGE;

    private static final int FANOUT = 512;

    private final long[] @Nullable [] @Nullable [] @Nullable [] root =
            new long[FANOUT] @Nullable [] @Nullable [] @Nullable [];
    private long cachedBase = -1;
    private long[] cachedLeaf = new long[0];

    /** The 512 entries around {@code address}, or null when there are none. */
    long @Nullable [] leaf(long address) {
        long base = address >>> 21;
        if (base == cachedBase) {
            return cachedLeaf;
        }
        long[] @Nullable [] @Nullable [] upper = root[index(address, 39)];
        long[] @Nullable [] middle = upper == null ? null : upper[index(address, 30)];
        long[] leaf = middle == null ? null : middle[index(address, 21)];
        if (leaf != null) {
            cachedBase = base;
            cachedLeaf = leaf;
        }
        return leaf;
    }

    long[] makeLeaf(long address) {
        long[] leaf = leaf(address);
        if (leaf == null) {
            leaf = new long[FANOUT];
            putLeaf(address, leaf);
        }
        return leaf;
    }

    void putLeaf(long address, long[] leaf) {
        long[] @Nullable [] @Nullable [] upper = root[index(address, 39)];
        if (upper == null) {
            upper = new long[FANOUT] @Nullable [] @Nullable [];
            root[index(address, 39)] = upper;
        }
        long[] @Nullable [] middle = upper[index(address, 30)];
        if (middle == null) {
            middle = new long[FANOUT] @Nullable [];
            upper[index(address, 30)] = middle;
        }
        middle[index(address, 21)] = leaf;
        cachedBase = address >>> 21;
        cachedLeaf = leaf;
    }

    private void dropLeaf(long address) {
        long[] @Nullable [] @Nullable [] upper = root[index(address, 39)];
        long[] @Nullable [] middle = upper == null ? null : upper[index(address, 30)];
        if (middle != null) {
            middle[index(address, 21)] = null;
        }
        cachedBase = -1;
    }

    private static int index(long address, int shift) {
        return (int) (address >>> shift) & FANOUT - 1;
    }

    static int slot(long address) {
        return (int) (address >>> 12) & FANOUT - 1;
    }

    long get(long address) {
        long[] leaf = leaf(address);
        return leaf == null ? 0 : leaf[slot(address)];
    }

    void set(long address, long entry) {
        makeLeaf(address)[slot(address)] = entry;
    }

    /** Sets consecutive entries for a run of consecutive pages of the memory file. */
    void setRun(long address, long end, long offset, long flags) {
        long entry = offset | flags;
        for (long at = address; at < end; ) {
            long[] leaf = makeLeaf(at);
            long stop = Math.min(end, (at & -LEAF_SIZE) + LEAF_SIZE);
            for (; at < stop; at += PAGE, entry += PAGE) {
                leaf[slot(at)] = entry;
            }
        }
    }

    /** The first address of {@code [from, end)} with an entry, or {@code end}. */
    long nextPresent(long from, long end) {
        long at = from;
        while (at < end) {
            long[] @Nullable [] @Nullable [] upper = root[index(at, 39)];
            if (upper == null) {
                at = (at & -(1L << 39)) + (1L << 39);
                continue;
            }
            long[] @Nullable [] middle = upper[index(at, 30)];
            if (middle == null) {
                at = (at & -(1L << 30)) + (1L << 30);
                continue;
            }
            long[] leaf = middle[index(at, 21)];
            long stop = (at & -LEAF_SIZE) + LEAF_SIZE;
            if (leaf != null) {
                for (; at < stop; at += PAGE) {
                    if (leaf[slot(at)] != 0) {
                        return Math.min(at, end);
                    }
                }
            }
            at = stop;
        }
        return end;
    }

    /** The end of the run of entries from {@code address} on that have consecutive offsets and equal flags under {@code mask}; at most {@code end}. */
    long runEnd(long address, long end, long mask) {
        long care = OFFSET_MASK | mask;
        long expected = get(address) & care;
        long at = address;
        while (at < end) {
            long[] leaf = leaf(at);
            if (leaf == null) {
                return at;
            }
            long stop = Math.min(end, (at & -LEAF_SIZE) + LEAF_SIZE);
            for (; at < stop; at += PAGE, expected += PAGE) {
                long entry = leaf[slot(at)];
                if (entry == 0 || (entry & care) != expected) {
                    return at;
                }
            }
        }
        return end;
    }

    /** Clears {@code flags} in every entry of the range. */
    void clearFlags(long start, long end, long flags) {
        for (long at = nextPresent(start, end); at < end; ) {
            long[] leaf = leaf(at);
            long stop = Math.min(end, (at & -LEAF_SIZE) + LEAF_SIZE);
            if (leaf != null) {
                for (; at < stop; at += PAGE) {
                    leaf[slot(at)] &= ~flags;
                }
            }
            at = nextPresent(stop, end);
        }
    }

    /** Whether any entry of the range has one of {@code flags}. */
    boolean anyFlag(long start, long end, long flags) {
        for (long at = nextPresent(start, end); at < end; ) {
            long[] leaf = leaf(at);
            long stop = Math.min(end, (at & -LEAF_SIZE) + LEAF_SIZE);
            if (leaf != null) {
                for (; at < stop; at += PAGE) {
                    if ((leaf[slot(at)] & flags) != 0) {
                        return true;
                    }
                }
            }
            at = nextPresent(stop, end);
        }
        return false;
    }

    /** Removes the entries of the range and, where it covers them wholly, the leaves. */
    void clear(long start, long end) {
        for (long at = nextPresent(start, end); at < end; at = nextPresent(at, end)) {
            long base = at & -LEAF_SIZE;
            long stop = Math.min(end, base + LEAF_SIZE);
            if (start <= base && stop == base + LEAF_SIZE) {
                dropLeaf(at);
            } else {
                long[] leaf = leaf(at);
                for (long page = at; leaf != null && page < stop; page += PAGE) {
                    leaf[slot(page)] = 0;
                }
            }
            at = stop;
        }
    }
}
