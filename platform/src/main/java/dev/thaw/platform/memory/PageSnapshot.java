package dev.thaw.platform.memory;

import dev.thaw.host.HostFiles;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The pages of a memory file as they were at one moment, to be read while the file is written on. Whoever is about to write a page that was not read yet first has its content saved aside
 * ({@link MemoryFile#beforeWrite}); a page that loses its last reference is kept until the end. So pages keep their places, whether one address space maps them, many, or a page cache holds them.
 *
 * <p>Pages go by <em>stretches</em> of 64, aligned. A stretch is looked at and changed under one of a few locks; what is still wanted of it is a word.
 */
public final class PageSnapshot implements AutoCloseable {
    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int PAGE = MemoryFile.PAGE_SIZE;
    private static final int STRETCH = 64 * PAGE;
    private static final int STRIPES = 64;
    private static final long LEAST_ASIDE = 64L << 20;
    private static final long MOST_ASIDE = 1L << 30;

    /** A slot of a page that nothing was ever written to. */
    private static final int ZERO = -1;

    private final MemFdMemoryFile file;

    /** All pages of the snapshot, by stretch. */
    private final long[] wanted;

    /** Those that the image before does not have as they are. */
    private final long[] changed;

    /** Those that are to be read and neither were nor are aside. Written under the stretch's lock; a clear bit stays clear. */
    private final long[] pending;

    private final ReentrantLock[] stripes = new ReentrantLock[STRIPES];

    /** Where pages of a stretch lie aside; guarded by the stretch's lock. */
    private final int[] @Nullable [] slots;

    private final AsidePages aside;
    private final Arena arena = Arena.ofShared();
    private final ConcurrentLinkedQueue<MemorySegment> buffers = new ConcurrentLinkedQueue<>();

    /** First and end page of runs that are to be given back; guarded by the file's lock. */
    private long[] held = new long[16];

    private int heldCount;
    private volatile long heldBytes;
    private boolean complete;

    PageSnapshot(MemFdMemoryFile file, long[] wanted, long[] changed, boolean changedOnly) {
        this.file = file;
        this.wanted = wanted;
        this.changed = changed;
        this.pending = (changedOnly ? changed : wanted).clone();
        this.slots = new int[wanted.length] @Nullable [];
        for (int i = 0; i < STRIPES; i++) {
            stripes[i] = new ReentrantLock();
        }
        long pages = 0;
        for (long word : pending) {
            pages += Long.bitCount(word);
        }
        this.aside =
                new AsidePages(
                        (int) Math.clamp(pages / 4, LEAST_ASIDE / PAGE, (int) (MOST_ASIDE / PAGE)));
    }

    /** Loads the classes, so that the first snapshot need not. */
    public static void prepare() {
        new AsidePages(1).close();
    }

    /** Stretches of the memory file that this covers. */
    public int stretches() {
        return wanted.length;
    }

    /** The pages of a stretch that were referenced. */
    public long wanted(int stretch) {
        return wanted[stretch];
    }

    /** Those of them that may differ from the image before. */
    public long changed(int stretch) {
        return changed[stretch];
    }

    /** Pages that were written while the snapshot wanted them, and so were copied. */
    public long copied() {
        return aside.taken();
    }

    /**
     * Copies pages of {@code mask}, each once in a snapshot's life, one behind the other to {@code raw}; returns which. Those left out are zero. For several threads, with different stretches.
     */
    public long read(int stretch, long mask, byte[] raw) throws IOException {
        MemorySegment buffer = buffers.poll();
        if (buffer == null) {
            buffer = arena.allocate(STRETCH, PAGE);
        }
        long result = 0;
        ReentrantLock stripe = stripes[stretch & STRIPES - 1];
        stripe.lock();
        try {
            long live = pending[stretch] & mask;
            int[] places = slots[stretch];
            int at = 0;
            for (long left = mask; left != 0; ) {
                int page = Long.numberOfTrailingZeros(left);
                if ((live & 1L << page) == 0) {
                    int slot = places == null ? ZERO : places[page];
                    if (slot != ZERO) {
                        aside.read(slot, buffer, at);
                        at += PAGE;
                        result |= 1L << page;
                    }
                    left &= left - 1;
                    continue;
                }
                int count = Long.numberOfTrailingZeros(~(live >>> page));
                long offset = (long) stretch * STRETCH + (long) page * PAGE;
                int hole = (int) (loadedHole(offset, (long) count * PAGE) / PAGE);
                long run = run(page + hole, count - hole);
                if (run != 0) {
                    readRun(offset + (long) hole * PAGE, buffer, at, (count - hole) * PAGE);
                    at += (count - hole) * PAGE;
                    result |= run;
                }
                left &= ~run(page, count);
            }
            WORD.setVolatile(pending, stretch, pending[stretch] & ~mask);
            slots[stretch] = null;
            MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, raw, 0, at);
        } finally {
            stripe.unlock();
        }
        buffers.add(buffer);
        return result;
    }

    private static long run(int page, int count) {
        return count == 0 ? 0 : (-1L >>> (64 - count)) << page;
    }

    private long loadedHole(long offset, long length) {
        file.load(offset, length);
        return file.holeLength(offset, length);
    }

    /** By a call, not through the view: a hole stays one, and the host need not map each page for the Sentry. */
    private void readRun(long offset, MemorySegment buffer, long at, long length)
            throws IOException {
        for (long done = 0; done < length; ) {
            long count =
                    HostFiles.pread(file.fd(), buffer, at + done, length - done, offset + done);
            if (count <= 0) {
                throw new IOException("memory can not be read: errno " + -count);
            }
            done += count;
        }
    }

    /** Saves what is still wanted of the pages of {@code mask}, which are about to be written. Waits for room aside when the reader is slower than the writers. */
    void save(long stretchNumber, long mask) {
        if (stretchNumber >= pending.length) {
            return;
        }
        int stretch = (int) stretchNumber;
        for (long left = pending(stretch) & mask; left != 0; ) {
            left &= ~forgetHole(stretch, left);
            if (left != 0) {
                savePage(stretch, Long.numberOfTrailingZeros(left));
                left &= left - 1;
            }
        }
    }

    /** Pages at the beginning of {@code mask} that nothing was ever written to need not be copied: a page that is neither wanted nor aside is zero. Returns them. */
    private long forgetHole(int stretch, long mask) {
        ReentrantLock stripe = stripes[stretch & STRIPES - 1];
        stripe.lock();
        try {
            long wantedStill = pending[stretch] & mask;
            if (wantedStill == 0) {
                return mask;
            }
            int page = Long.numberOfTrailingZeros(wantedStill);
            int count = Long.numberOfTrailingZeros(~(wantedStill >>> page));
            long offset = (long) stretch * STRETCH + (long) page * PAGE;
            long hole = run(page, (int) (loadedHole(offset, (long) count * PAGE) / PAGE));
            WORD.setVolatile(pending, stretch, pending[stretch] & ~hole);
            return hole | mask & ~wantedStill;
        } finally {
            stripe.unlock();
        }
    }

    private void savePage(int stretch, int page) {
        int slot = aside.take();
        ReentrantLock stripe = stripes[stretch & STRIPES - 1];
        stripe.lock();
        try {
            if (slot == AsidePages.ENDED || (pending[stretch] & 1L << page) == 0) {
                aside.give(slot);
                return;
            }
            aside.write(slot, file.view(), (long) stretch * STRETCH + (long) page * PAGE);
            int[] places = slots[stretch];
            if (places == null) {
                places = new int[64];
                Arrays.fill(places, ZERO);
                slots[stretch] = places;
            }
            places[page] = slot;
            WORD.setVolatile(pending, stretch, pending[stretch] & ~(1L << page));
        } finally {
            stripe.unlock();
        }
    }

    private long pending(int stretch) {
        return (long) WORD.getVolatile(pending, stretch);
    }

    /** Whether the page, which has no reference any more, is still wanted: then it stays until the end. Under the file's lock. */
    boolean hold(long page) {
        int stretch = (int) (page >> 6);
        if (stretch >= pending.length || (pending(stretch) & 1L << page) == 0) {
            return false;
        }
        if (heldCount > 0 && held[heldCount - 1] == page) {
            held[heldCount - 1] = page + 1;
        } else {
            if (heldCount == held.length) {
                held = Arrays.copyOf(held, 2 * heldCount);
            }
            held[heldCount++] = page;
            held[heldCount++] = page + 1;
        }
        heldBytes = heldBytes + PAGE;
        return true;
    }

    long heldBytes() {
        return heldBytes;
    }

    long[] heldRuns() {
        return Arrays.copyOf(held, heldCount);
    }

    /** All that was to be read has been made an image: from now on changes are counted from it. */
    public void complete() {
        complete = true;
    }

    /** Ends the snapshot; nobody reads it any more. */
    @Override
    public void close() {
        for (int i = 0; i < pending.length; i++) {
            ReentrantLock stripe = stripes[i & STRIPES - 1];
            stripe.lock();
            try {
                WORD.setVolatile(pending, i, 0L);
            } finally {
                stripe.unlock();
            }
        }
        aside.end();
        file.end(this, complete);
        aside.close();
        arena.close();
    }
}
