package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.ENOSPC;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import java.util.concurrent.atomic.AtomicLong;

/** How many pages a file system in memory may hold. */
public final class PageQuota {
    private final long limit;
    private final AtomicLong used = new AtomicLong();

    /** At most {@code limit} pages; 0 for any number. */
    public PageQuota(long limit) {
        this.limit = limit;
    }

    /** Pages allowed, 0 for any number. */
    public long limit() {
        return limit;
    }

    public long used() {
        return used.get();
    }

    /** Takes {@code pages}; ENOSPC. */
    public void charge(long pages) throws ErrnoException {
        if (used.addAndGet(pages) > limit && limit != 0) {
            used.addAndGet(-pages);
            throw errno(ENOSPC);
        }
    }

    /** Counts pages that came with an image, whatever the limit. */
    void restore(long pages) {
        used.addAndGet(pages);
    }

    /** Gives {@code pages} back. */
    public void release(long pages) {
        used.addAndGet(-pages);
    }
}
