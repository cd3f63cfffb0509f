package dev.thaw.platform.memory;

import java.lang.foreign.MemorySegment;

/**
 * The page allocator behind all guest memory (design D4): one memfd, mapped whole into the Sentry. Pages are handed out in runs (byte offset, byte length; multiples of 4096)
 * and counted: a fresh run has one reference for each page; the last {@link #release} gives a page back (hole punched). Fresh pages read as zero.
 */
public abstract class MemoryFile implements AutoCloseable {
    public static final int PAGE_SIZE = 4096;

    /** The memfd. */
    public abstract int fd();

    /** Takes {@code pages} consecutive zero pages, aligned to {@code alignPages} pages; returns the byte offset, or {@code -ENOMEM} past the limit. */
    public abstract long allocate(long pages, long alignPages);

    /** Adds a reference to each page of the run. */
    public abstract void retain(long offset, long length);

    /** Drops a reference of each page of the run. */
    public abstract void release(long offset, long length);

    /** Whether the page at {@code offset} has one reference only (so it may be written without a copy). */
    public abstract boolean isExclusive(long offset);

    /**
     * The Sentry's view of the whole file: byte {@code i} of the file is byte {@code i} of the segment. After a lazy restore call {@link #load} before touching a page through it.
     */
    public abstract MemorySegment view();

    /** Makes sure that the pages of the range hold their content (a lazy restore fills pages on first touch). Cheap when nothing is lazy. Call it before reading, writing or mapping pages. */
    public abstract void load(long offset, long length);

    /** Fills pages that a restore left for later. */
    public interface PageLoader {
        /** Writes the content of {@code length} bytes at file offset {@code offset} (or a larger range around them that the loader reports by marking) into the file's view. */
        void load(long offset, long length);
    }

    /** Bytes of the file that the host has really backed with memory. */
    public abstract long residentBytes();

    @Override
    public abstract void close();
}
