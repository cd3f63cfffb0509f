package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EFBIG;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Page index → page of the memory file, for sparse files: chunks of 512 entries. An entry is the page's byte offset with flags in its low bits, 0 when absent. Written under the page cache's lock, read
 * without it.
 */
final class PageTable {
    static final long PRESENT = 1;
    static final long DIRTY = 2;
    static final long OFFSET = -4096L;

    static final int CHUNK = 512;
    private static final int MAX_CHUNKS = 1 << 20; // 2 TiB of file

    private volatile long[] @Nullable [] chunks = new long[1][];

    /** The entry of page {@code index}. */
    long get(long index) {
        long[] @Nullable [] table = chunks;
        long c = index >>> 9;
        if (c >= table.length) {
            return 0;
        }
        long @Nullable [] chunk = table[(int) c];
        return chunk == null ? 0 : chunk[(int) index & (CHUNK - 1)];
    }

    /** Sets the entry of page {@code index}; EFBIG beyond what can be held. */
    void set(long index, long entry) throws ErrnoException {
        chunk(index)[(int) index & (CHUNK - 1)] = entry;
    }

    private long[] chunk(long index) throws ErrnoException {
        long c = index >>> 9;
        if (c < 0 || c >= MAX_CHUNKS) {
            throw errno(EFBIG);
        }
        long[] @Nullable [] table = chunks;
        if (c >= table.length) {
            table =
                    Arrays.copyOf(
                            table, (int) Math.max(c + 1, Math.min(MAX_CHUNKS, table.length * 2L)));
            chunks = table;
        }
        long @Nullable [] chunk = table[(int) c];
        if (chunk == null) {
            chunk = new long[CHUNK];
            table[(int) c] = chunk;
        }
        return chunk;
    }

    /** Clears an entry that is there. */
    void clear(long index) {
        long @Nullable [] chunk = chunks[(int) (index >>> 9)];
        if (chunk != null) {
            chunk[(int) index & (CHUNK - 1)] = 0;
        }
    }

    /** The first page at or after {@code index} that is there, or -1. */
    long next(long index) {
        long[] @Nullable [] table = chunks;
        long i = index;
        while (i >>> 9 < table.length) {
            long @Nullable [] chunk = table[(int) (i >>> 9)];
            if (chunk == null) {
                i = ((i >>> 9) + 1) << 9;
            } else if (chunk[(int) i & (CHUNK - 1)] != 0) {
                return i;
            } else {
                i++;
            }
        }
        return -1;
    }
}
