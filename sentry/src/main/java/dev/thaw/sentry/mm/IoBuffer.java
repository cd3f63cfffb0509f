package dev.thaw.sentry.mm;

import dev.thaw.sentry.ErrnoException;
import java.lang.foreign.MemorySegment;

/**
 * A cursor over the bytes that a read fills or a write drains: one or more ranges of guest memory, or of the Sentry's own (gVisor: {@code usermem.IOSequence}).
 * Each copy advances the cursor by what it returns.
 */
public abstract class IoBuffer {
    /** Bytes left. */
    public abstract long remaining();

    /**
     * Fills the next bytes from {@code source[offset, offset + length)}; at most {@link #remaining}. Returns the bytes copied, fewer only when guest memory ended
     * in a fault after some were copied; throws EFAULT when none could be.
     */
    public abstract long put(MemorySegment source, long offset, long length) throws ErrnoException;

    /** Drains the next bytes into {@code target[offset, offset + length)}; as {@link #put}. */
    public abstract long take(MemorySegment target, long offset, long length) throws ErrnoException;

    /** Fills the next {@code length} bytes with zero. */
    public abstract long putZeros(long length) throws ErrnoException;

    /** Moves the cursor on without a copy of use to anyone, at most to the end. */
    public final void skip(long length) throws ErrnoException {
        MemorySegment scratch = MemorySegment.ofArray(new byte[(int) Math.min(length, 1 << 16)]);
        long left = Math.min(length, remaining());
        while (left > 0) {
            left -= take(scratch, 0, Math.min(left, scratch.byteSize()));
        }
    }

    /** Fills from a byte array. */
    public final long put(byte[] source, int offset, int length) throws ErrnoException {
        return put(MemorySegment.ofArray(source), offset, length);
    }

    /** Drains into a byte array. */
    public final long take(byte[] target, int offset, int length) throws ErrnoException {
        return take(MemorySegment.ofArray(target), offset, length);
    }

    /** A buffer over the Sentry's own memory. */
    public static IoBuffer of(MemorySegment segment) {
        return new SegmentIoBuffer(segment);
    }

    /** A buffer over a byte array. */
    public static IoBuffer of(byte[] bytes) {
        return of(MemorySegment.ofArray(bytes));
    }
}
