package dev.thaw.sentry.mm;

import java.lang.foreign.MemorySegment;

/** An {@link IoBuffer} over the Sentry's own memory. */
final class SegmentIoBuffer extends IoBuffer {
    private final MemorySegment segment;
    private long position;

    SegmentIoBuffer(MemorySegment segment) {
        this.segment = segment;
    }

    @Override
    public long remaining() {
        return segment.byteSize() - position;
    }

    @Override
    public long put(MemorySegment source, long offset, long length) {
        long count = Math.min(length, remaining());
        MemorySegment.copy(source, offset, segment, position, count);
        position += count;
        return count;
    }

    @Override
    public long take(MemorySegment target, long offset, long length) {
        long count = Math.min(length, remaining());
        MemorySegment.copy(segment, position, target, offset, count);
        position += count;
        return count;
    }

    @Override
    public long putZeros(long length) {
        long count = Math.min(length, remaining());
        segment.asSlice(position, count).fill((byte) 0);
        position += count;
        return count;
    }
}
