package dev.thaw.state.image;

import dev.thaw.state.ImageException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Which pages of the memory file an image holds: for each aligned stretch of 64 pages that has some, the pages that are not zero and the hash of their
 * concatenation.
 *
 * <pre>{ long stretch | long mask (bit i: page i is there) | byte hash[32] } in order of stretch, little-endian</pre>
 */
public record PageMap(List<Entry> entries) {
    private static final int ENTRY = 48;

    /** One stretch. */
    public record Entry(long stretch, long mask, ContentHash hash) {
        /** The stretch's offset in the memory file. */
        public long offset() {
            return stretch * ImageFormat.CHUNK;
        }

        public int rawLength() {
            return Long.bitCount(mask) * ImageFormat.PAGE;
        }
    }

    /** Pages of all entries. */
    public long pages() {
        long pages = 0;
        for (Entry entry : entries) {
            pages += Long.bitCount(entry.mask);
        }
        return pages;
    }

    byte[] encode() {
        ByteBuffer out =
                ByteBuffer.allocate(Math.multiplyExact(entries.size(), ENTRY))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (Entry entry : entries) {
            out.putLong(entry.stretch).putLong(entry.mask).put(entry.hash.toBytes());
        }
        return out.array();
    }

    static PageMap decode(byte[] bytes) {
        if (bytes.length % ENTRY != 0) {
            throw new ImageException("page map of " + bytes.length + " bytes");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        List<Entry> entries = new ArrayList<>(bytes.length / ENTRY);
        long next = 0;
        while (in.hasRemaining()) {
            Entry entry = new Entry(in.getLong(), in.getLong(), ContentHash.read(in));
            if (entry.stretch < next
                    || entry.stretch >= Long.MAX_VALUE / ImageFormat.CHUNK
                    || entry.mask == 0) {
                throw new ImageException(
                        "page map entry " + entries.size() + " is out of order or empty");
            }
            next = entry.stretch + 1;
            entries.add(entry);
        }
        return new PageMap(entries);
    }
}
