package dev.thaw.sentry.vfs;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.state.Saveable;
import java.lang.foreign.MemorySegment;

/** Where a page cache gets content from that it does not hold: a file of a lower layer, a file of the host. */
public interface PageSource extends Saveable {
    /** Reads {@code length} bytes of the file at {@code offset} into {@code target[targetOffset …)}; returns how many there were, fewer only at the end of the file. */
    long readPages(long offset, MemorySegment target, long targetOffset, long length)
            throws ErrnoException;

    /** Reads straight into {@code target}, at most {@code length} bytes; returns how many, 0 at the end of the file. */
    long readInto(IoBuffer target, long offset, long length) throws ErrnoException;
}
