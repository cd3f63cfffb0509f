package dev.thaw.platform.memory;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongPredicate;

/** The pages that a restore left for later: a bit for each. A bit is cleared only after the page's content stands in the file. */
final class LazyPages {
    private final ReentrantLock mu = new ReentrantLock();
    private final MemoryFile file;
    private final MemoryFile.PageLoader loader;

    /** Written under {@link #mu}; read freely: a clear bit means the content is there. */
    private volatile AtomicLongArray bits = new AtomicLongArray(0);

    /** Lazy pages. Written under {@link #mu}. */
    private volatile long left;

    LazyPages(MemoryFile file, MemoryFile.PageLoader loader) {
        this.file = file;
        this.loader = loader;
    }

    boolean isEmpty() {
        return left == 0;
    }

    /** Bytes from {@code offset} on, at most {@code length}, before the first lazy page. */
    long loadedLength(long offset, long length) {
        for (long done = 0; done < length; done += MemoryFile.PAGE_SIZE) {
            if (isLazy(offset + done >> 12)) {
                return done;
            }
        }
        return length;
    }

    void add(long offset, long length) {
        mu.lock();
        try {
            long end = (offset + length) >> 12;
            if (end > (long) bits.length() << 6) {
                AtomicLongArray grown =
                        new AtomicLongArray(
                                (int) (Math.max(end, (long) bits.length() << 7) + 63 >> 6));
                for (int i = 0; i < bits.length(); i++) {
                    grown.setPlain(i, bits.getPlain(i));
                }
                bits = grown;
            }
            for (long page = offset >> 12; page < end; ) {
                long stop = Math.min(end, (page | 63) + 1);
                int word = (int) (page >> 6);
                long old = bits.get(word);
                long now = old | (-1L >>> (64 - (stop - page))) << page;
                bits.set(word, now);
                left = left + Long.bitCount(now ^ old);
                page = stop;
            }
        } finally {
            mu.unlock();
        }
    }

    boolean isLazy(long page) {
        AtomicLongArray snapshot = bits;
        return page >> 6 < snapshot.length() && (snapshot.get((int) (page >> 6)) & 1L << page) != 0;
    }

    /** The first lazy page from {@code page} on, or -1. */
    long next(long page) {
        AtomicLongArray snapshot = bits;
        long mask = -1L << page;
        for (int word = (int) (page >> 6); word < snapshot.length(); word++) {
            long found = snapshot.get(word) & mask;
            if (found != 0) {
                return ((long) word << 6) + Long.numberOfTrailingZeros(found);
            }
            mask = -1L;
        }
        return -1;
    }

    /** Loads what is lazy in the range. Returns whether nothing lazy is left anywhere. */
    boolean load(long offset, long length) {
        long end = (offset + length + MemoryFile.PAGE_SIZE - 1) >> 12;
        for (long page = offset >> 12; page < end; page++) {
            if (isLazy(page)) {
                return loadSlow(page, end);
            }
        }
        return false;
    }

    private boolean loadSlow(long first, long end) {
        mu.lock();
        try {
            long page = first;
            while (page < end) {
                if (!isLazy(page)) {
                    page++;
                    continue;
                }
                long stop = page + 1;
                while (stop < end && isLazy(stop)) {
                    stop++;
                }
                loader.load(page << 12, (stop - page) << 12);
                clearLocked(page, stop);
                page = stop;
            }
            return left == 0;
        } finally {
            mu.unlock();
        }
    }

    /** Content of lazy pages, of those that {@code claimed} holds of: a restore loads a page before all are claimed, and what nobody claims must stay the empty page that the next owner expects. */
    void supply(
            long offset, MemorySegment data, long dataOffset, long length, LongPredicate claimed) {
        mu.lock();
        try {
            long base = offset >> 12;
            long count = length >> 12;
            for (long i = 0; i < count; i++) {
                if (isLazy(base + i) && claimed.test(base + i)) {
                    MemorySegment.copy(
                            data,
                            dataOffset + (i << 12),
                            file.view(),
                            (base + i) << 12,
                            MemoryFile.PAGE_SIZE);
                    clearLocked(base + i, base + i + 1);
                }
            }
        } finally {
            mu.unlock();
        }
    }

    /** The pages are given back: their old content is not wanted any more. */
    void forget(long firstPage, long endPage) {
        mu.lock();
        try {
            clearLocked(firstPage, endPage);
        } finally {
            mu.unlock();
        }
    }

    /** Forgets the lazy pages that {@code unwanted} holds of; returns how many. */
    long forgetIf(LongPredicate unwanted) {
        mu.lock();
        try {
            long before = left;
            long end = (long) bits.length() << 6;
            for (long page = 0; page < end; page++) {
                if (isLazy(page) && unwanted.test(page)) {
                    clearLocked(page, page + 1);
                }
            }
            return before - left;
        } finally {
            mu.unlock();
        }
    }

    @GuardedBy("mu")
    private void clearLocked(long first, long end) {
        for (long page = first; page < end; page++) {
            if (isLazy(page)) {
                bits.set((int) (page >> 6), bits.get((int) (page >> 6)) & ~(1L << page));
                left = left - 1;
            }
        }
    }
}
