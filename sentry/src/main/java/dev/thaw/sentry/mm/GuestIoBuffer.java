package dev.thaw.sentry.mm;

import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** An {@link IoBuffer} over ranges of guest memory. For one thread. */
final class GuestIoBuffer extends IoBuffer {
    private final GuestCopy copy;

    /** Pairs of address and length; the current one shrinks as the cursor advances. */
    private final long[] ranges;

    private int current;
    private long remaining;

    GuestIoBuffer(GuestCopy copy, long[] ranges, long total) {
        this.copy = copy;
        this.ranges = ranges;
        this.remaining = total;
    }

    @Override
    public long remaining() {
        return remaining;
    }

    @Override
    public long put(MemorySegment source, long offset, long length) throws ErrnoException {
        return transfer(source, offset, length, true);
    }

    @Override
    public long putZeros(long length) throws ErrnoException {
        return transfer(null, 0, length, true);
    }

    @Override
    public long take(MemorySegment target, long offset, long length) throws ErrnoException {
        return transfer(target, offset, length, false);
    }

    private long transfer(@Nullable MemorySegment other, long offset, long length, boolean write)
            throws ErrnoException {
        long wanted = Math.min(length, remaining);
        long done = 0;
        while (done < wanted) {
            if (ranges[current + 1] == 0) {
                current += 2;
                continue;
            }
            long address = ranges[current];
            long step = Math.min(wanted - done, ranges[current + 1]);
            long count;
            if (write || other == null) {
                count = copy.write(address, other, offset + done, step);
            } else {
                count = copy.read(address, other, offset + done, step);
            }
            if (count == 0) {
                if (done == 0) {
                    throw errno(EFAULT);
                }
                break;
            }
            ranges[current] += count;
            ranges[current + 1] -= count;
            done += count;
        }
        remaining -= done;
        return done;
    }
}
