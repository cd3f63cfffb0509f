package dev.thaw.platform.memory;

import dev.thaw.host.HostMemory;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The page allocator behind all guest memory (design D4): one memfd, mapped whole into the Sentry. Pages are handed out in runs (byte offset, byte length; multiples of 4096)
 * and counted: a fresh run has one reference for each page; the last {@link #release} gives a page back (hole punched). Fresh pages read as zero.
 *
 * <p>The allocator's own state is not saved: at a restore each holder of pages (a page table, a page cache) claims its runs again with {@link #reserve}, which rebuilds the counts.
 */
public abstract class MemoryFile implements AutoCloseable {
    public static final int PAGE_SIZE = 4096;

    /** The memfd. */
    public abstract int fd();

    /** Bytes of offset space: the size of the memfd and of {@link #view}. */
    public abstract long size();

    /** Takes {@code pages} consecutive zero pages, aligned to {@code alignPages} pages; returns the byte offset, or {@code -ENOMEM} past the limit. */
    public abstract long allocate(long pages, long alignPages);

    /** Takes one page with arbitrary old content of the sandbox, for a caller that overwrites all of it; or {@code -ENOMEM}. */
    public abstract long allocateForOverwrite();

    /** Adds a reference to each page of the run. */
    public abstract void retain(long offset, long length);

    /** Drops a reference of each page of the run. */
    public abstract void release(long offset, long length);

    /** For restore: adds a reference to each page of the run, taking those that are not taken yet at this very offset. */
    public abstract void reserve(long offset, long length);

    /** Whether the page at {@code offset} has one reference only (so it may be written without a copy). */
    public abstract boolean isExclusive(long offset);

    /** How many bytes from {@code offset} on, at most {@code length}, were never written (they read as zero and hold no memory). */
    public abstract long holeLength(long offset, long length);

    /** Whether every page of the range holds memory of the host. False when some are lazy. */
    public abstract boolean isPopulated(long offset, long length);

    /**
     * The Sentry's view of the whole file: byte {@code i} of the file is byte {@code i} of the segment. After a lazy restore call {@link #load} before touching a page through it.
     */
    public abstract MemorySegment view();

    /** Copies bytes of the view from {@code offset} on to {@code target}, at most {@code length} and none after a 0; returns how many. */
    public final int copyString(long offset, byte[] target, int at, int length) {
        Objects.checkFromIndexSize(offset, length, size());
        return HostMemory.copyString(view().address() + offset, target, at, length);
    }

    /** Makes sure that the pages of the range hold their content (a lazy restore fills pages on first touch). Cheap when nothing is lazy. Call it before reading, writing or mapping pages. */
    public abstract void load(long offset, long length);

    /** Whether any page still waits for {@link #load}. */
    public abstract boolean isLazy();

    /** The offset of the first page from {@code offset} on that waits for {@link #load}, or -1. */
    public abstract long nextLazy(long offset);

    /** For restore: the pages of the run get their content from {@code loader} on their first {@link #load}, and count as not changed since that image. All lazy runs have one loader. */
    public abstract void setLazy(PageLoader loader, long offset, long length);

    /**
     * For restore, when every holder has {@linkplain #reserve reserved} its pages: lazy pages that nobody took are free, so their content is not wanted. Returns how many there were.
     */
    public abstract long forgetUnclaimed();

    /** Called by a loader: the content of the pages {@code [offset, offset + length)}. Pages that are not lazy any more are left alone. */
    public abstract void supply(long offset, MemorySegment data, long dataOffset, long length);

    /** Fills pages that a restore left for later. */
    @FunctionalInterface
    public interface PageLoader {
        /**
         * Hands the content of {@code [offset, offset + length)}, or of a larger range around it, to {@link MemoryFile#supply}. What it does not supply counts as zero. Called by one thread at a time.
         */
        void load(long offset, long length);
    }

    /** Told of runs. */
    @FunctionalInterface
    public interface RunVisitor {
        void run(long offset, long length);
    }

    /**
     * Visits, in order of offset, the maximal runs of pages that are referenced and that the host really backs (others read as zero), those that are still lazy included. For a checkpoint: nothing may
     * allocate or release meanwhile.
     */
    public abstract void forEachPopulated(RunVisitor visitor);

    /**
     * To be called before pages are written through {@link #view}, or mapped for a guest with write access: what a snapshot in progress still wants of them is saved first, and they count as changed. Cheap when
     * they were written since the last snapshot. The caller holds references of the pages.
     */
    public abstract void beforeWrite(long offset, long length);

    /** Whether the page at {@code offset} was not written since the last snapshot or restore, so that a mapping of it must not be writable before {@link #beforeWrite}. */
    public abstract boolean isGuarded(long offset);

    /** Whether {@link #isGuarded} may be true of any page. */
    public abstract boolean hasGuards();

    /** Guards all pages, with those counted as changed that were not guarded. To be called ahead of a {@link #snapshot}, while guests run; their mappings are withdrawn after it. */
    public abstract void guardAll();

    /**
     * Begins a snapshot of all pages as they are now. Nothing may write pages meanwhile, and from now on only after {@link #beforeWrite}: mappings with write access must have been withdrawn.
     *
     * @param whole null: of all pages; else of what differs from the last snapshot that was completed, or from the image that was restored, and of all pages of those of these stretches in which anything
     *     differs
     */
    public abstract PageSnapshot snapshot(@Nullable BitSet whole);

    /** Sets the most bytes the file may keep resident; {@link Long#MAX_VALUE} for none. Past it, allocations fail. */
    public abstract void setLimit(long bytes);

    public abstract long limit();

    /** Bytes of the file that the host has really backed with memory. */
    public abstract long residentBytes();

    @Override
    public abstract void close();
}
