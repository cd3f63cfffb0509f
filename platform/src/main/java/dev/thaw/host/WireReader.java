package dev.thaw.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Reads the fields of one message, little-endian, in order; each read is checked against the message's end. Not thread-safe. */
public final class WireReader {
    private final MemorySegment segment;
    private long position;
    private long limit;

    public WireReader(MemorySegment segment) {
        this.segment = segment;
        this.limit = segment.byteSize();
    }

    /** Starts a message of {@code length} bytes at the segment's start. */
    public void reset(long length) {
        if (length < 0 || length > segment.byteSize()) {
            throw new IndexOutOfBoundsException("length " + length);
        }
        position = 0;
        limit = length;
    }

    /** Bytes left. */
    public long remaining() {
        return limit - position;
    }

    /** An unsigned byte. */
    public int u8() throws WireException {
        return segment.get(JAVA_BYTE, advance(1)) & 0xff;
    }

    /** An unsigned 16-bit number. */
    public int u16() throws WireException {
        return segment.get(JAVA_SHORT_UNALIGNED, advance(2)) & 0xffff;
    }

    /** A 32-bit number. */
    public int i32() throws WireException {
        return segment.get(JAVA_INT_UNALIGNED, advance(4));
    }

    /** A 64-bit number. */
    public long i64() throws WireException {
        return segment.get(JAVA_LONG_UNALIGNED, advance(8));
    }

    /** A number of things (u32) of which each takes at least {@code minimumSize} bytes: more than the message can hold is refused before anything is allocated. */
    public int count(int minimumSize) throws WireException {
        long count = i32() & 0xffffffffL;
        if (count * Math.max(1, minimumSize) > remaining()) {
            throw new WireException("count " + count + " in a message of " + limit + " bytes");
        }
        return (int) count;
    }

    /** Raw bytes after a u32 of their length. */
    public byte[] bytes() throws WireException {
        int length = count(1);
        byte[] bytes = new byte[length];
        MemorySegment.copy(segment, JAVA_BYTE, advance(length), bytes, 0, length);
        return bytes;
    }

    /** A string of raw bytes (ISO-8859-1) after a u32 of its length. */
    public String string() throws WireException {
        return new String(bytes(), StandardCharsets.ISO_8859_1);
    }

    /** A string of text (UTF-8) after a u32 of its length in bytes. */
    public String utf8() throws WireException {
        return new String(bytes(), StandardCharsets.UTF_8);
    }

    /** Ends the message: whatever is left over is an error. */
    public void end() throws WireException {
        if (position != limit) {
            throw new WireException(limit - position + " bytes too many");
        }
    }

    private long advance(long bytes) throws WireException {
        if (bytes > limit - position) {
            throw new WireException("message ends after " + limit + " bytes");
        }
        long at = position;
        position += bytes;
        return at;
    }
}
