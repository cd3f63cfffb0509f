package dev.thaw.state.image;

import dev.thaw.state.ImageException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Which pages of the memory file an image holds, and in which chunks: for each aligned stretch of 64 pages that has some that are not zero, one or more chunks. A chunk is the concatenation of
 * pages of its stretch, under their hash. An image that continues another uses what has not changed of the other's chunks, so it may use a part of a chunk only.
 *
 * <pre>{ long stretch | long pages in the chunk (bit i: page i) | long pages used of it | byte hash[32] } in order of stretch, little-endian; no page of a stretch is used twice</pre>
 */
public record PageMap(List<Entry> entries) {
    private static final int ENTRY = 56;

    /** One chunk of a stretch: it holds the pages of {@code chunk}, the image uses those of {@code use}. */
    public record Entry(long stretch, long chunk, long use, ContentHash hash) {
        /** A chunk that is used wholly. */
        Entry(long stretch, long mask, ContentHash hash) {
            this(stretch, mask, mask, hash);
        }

        /** The stretch's offset in the memory file. */
        public long offset() {
            return stretch * ImageFormat.CHUNK;
        }

        /** Bytes of the whole chunk. */
        public int rawLength() {
            return Long.bitCount(chunk) * ImageFormat.PAGE;
        }
    }

    /** Pages that are used. */
    public long pages() {
        long pages = 0;
        for (Entry entry : entries) {
            pages += Long.bitCount(entry.use);
        }
        return pages;
    }

    /** What of a stretch an image keeps of the one before it. */
    @FunctionalInterface
    public interface Kept {
        long pages(long stretch);
    }

    /** This map where {@code kept} says so, and {@code changes} beside it. */
    public PageMap continued(Kept kept, PageMap changes) {
        List<Entry> result = new ArrayList<>(entries.size() + changes.entries.size());
        int next = 0;
        for (Entry entry : entries) {
            while (next < changes.entries.size()
                    && changes.entries.get(next).stretch < entry.stretch) {
                result.add(changes.entries.get(next++));
            }
            long use = entry.use & kept.pages(entry.stretch);
            if (use != 0) {
                result.add(new Entry(entry.stretch, entry.chunk, use, entry.hash));
            }
        }
        result.addAll(changes.entries.subList(next, changes.entries.size()));
        return new PageMap(result);
    }

    byte[] encode() {
        ByteBuffer out =
                ByteBuffer.allocate(Math.multiplyExact(entries.size(), ENTRY))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (Entry entry : entries) {
            out.putLong(entry.stretch)
                    .putLong(entry.chunk)
                    .putLong(entry.use)
                    .put(entry.hash.toBytes());
        }
        return out.array();
    }

    static PageMap decode(byte[] bytes) {
        if (bytes.length % ENTRY != 0) {
            throw new ImageException("page map of " + bytes.length + " bytes");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        List<Entry> entries = new ArrayList<>(bytes.length / ENTRY);
        long last = 0;
        long used = 0;
        while (in.hasRemaining()) {
            Entry entry = new Entry(in.getLong(), in.getLong(), in.getLong(), ContentHash.read(in));
            if (entry.stretch < last || entry.stretch >= Long.MAX_VALUE / ImageFormat.CHUNK) {
                throw new ImageException("page map entry " + entries.size() + " is out of order");
            }
            if (entry.stretch != last) {
                used = 0;
            }
            if (entry.use == 0 || (entry.use & ~entry.chunk) != 0 || (entry.use & used) != 0) {
                throw new ImageException(
                        "page map entry "
                                + entries.size()
                                + " uses no page, one that its chunk has not, or one twice");
            }
            used |= entry.use;
            last = entry.stretch;
            entries.add(entry);
        }
        return new PageMap(entries);
    }
}
