package dev.thaw.sentry.mm;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.state.Saveable;

/** What mmap(2) can map: the page cache of a regular file, shared memory (gVisor: {@code memmap.Mappable}). */
public interface Mappable extends Saveable {
    /** A run of the memory file that holds {@code length} bytes of the mapped file from {@code fileOffset} on. */
    record PageRun(long fileOffset, long memoryOffset, long length) {}

    /**
     * The pages that hold the file's content from page-aligned {@code offset} on: a run that starts at {@code offset} and is at least one page and at most {@code length} bytes long, each
     * page retained for the caller. With {@code write} (a shared writable mapping) the pages count as dirty from now on. Throws EFAULT past the end of file (the guest gets SIGBUS), EIO when it can not be read.
     */
    PageRun pages(long offset, long length, boolean write) throws ErrnoException;

    /** {@code mm} maps {@code [offset, offset + length)} now; it wants to be told of {@link MemoryManager#invalidate} when pages are cut off. */
    void addMapping(MemoryManager mm, long address, long offset, long length);

    /** The inverse of {@link #addMapping}, for the same or a part of the range. */
    void removeMapping(MemoryManager mm, long address, long offset, long length);
}
