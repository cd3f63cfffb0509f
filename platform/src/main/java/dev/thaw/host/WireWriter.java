package dev.thaw.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Writes the fields of one message, little-endian, in order; the counterpart of {@link WireReader}. Not thread-safe. */
public final class WireWriter {
    private final MemorySegment segment;
    private long position;

    public WireWriter(MemorySegment segment) {
        this.segment = segment;
    }

    /** Starts an empty message. */
    public WireWriter reset() {
        position = 0;
        return this;
    }

    /** Goes back to {@code position}, which {@link #size} gave earlier. */
    public void truncate(long position) {
        if (position < 0 || position > this.position) {
            throw new IndexOutOfBoundsException("position " + position);
        }
        this.position = position;
    }

    /** The bytes written so far. */
    public long size() {
        return position;
    }

    /** Bytes that still fit. */
    public long room() {
        return segment.byteSize() - position;
    }

    /** The memory the message stands in. */
    public MemorySegment segment() {
        return segment;
    }

    /** A byte. */
    public WireWriter u8(int value) throws WireException {
        segment.set(JAVA_BYTE, advance(1), (byte) value);
        return this;
    }

    /** A 16-bit number. */
    public WireWriter u16(int value) throws WireException {
        segment.set(JAVA_SHORT_UNALIGNED, advance(2), (short) value);
        return this;
    }

    /** A 32-bit number. */
    public WireWriter i32(int value) throws WireException {
        segment.set(JAVA_INT_UNALIGNED, advance(4), value);
        return this;
    }

    /** A 64-bit number. */
    public WireWriter i64(long value) throws WireException {
        segment.set(JAVA_LONG_UNALIGNED, advance(8), value);
        return this;
    }

    /** Raw bytes after a u32 of their length. */
    public WireWriter bytes(byte[] value) throws WireException {
        i32(value.length);
        MemorySegment.copy(value, 0, segment, JAVA_BYTE, advance(value.length), value.length);
        return this;
    }

    /** A string of raw bytes (ISO-8859-1) after a u32 of its length. */
    public WireWriter string(String value) throws WireException {
        return bytes(value.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** A string of text as UTF-8 after a u32 of its length in bytes. */
    public WireWriter utf8(String value) throws WireException {
        return bytes(value.getBytes(StandardCharsets.UTF_8));
    }

    /** Overwrites the 32-bit number at {@code at}, written earlier. */
    public void patchI32(long at, int value) {
        if (at < 0 || at + 4 > position) {
            throw new IndexOutOfBoundsException("position " + at);
        }
        segment.set(JAVA_INT_UNALIGNED, at, value);
    }

    private long advance(long bytes) throws WireException {
        if (bytes > segment.byteSize() - position) {
            throw new WireException("message exceeds " + segment.byteSize() + " bytes");
        }
        long at = position;
        position += bytes;
        return at;
    }
}
