package dev.thaw.store.diff;

import dev.thaw.state.image.ChunkReader;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageFormat;
import dev.thaw.state.image.PageMap;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Compares the pages of two images' memory files. {@code ranges} are where they differ, in bytes. */
public record PageDiff(
        long same, long changed, long onlyBefore, long onlyAfter, List<Range> ranges) {
    /** Pages that lie side by side. */
    public record Range(long offset, long length) {}

    /** A page: number {@code at} of the chunk {@code hash}. */
    private record Place(ContentHash hash, int at) {}

    public boolean isEmpty() {
        return changed + onlyBefore + onlyAfter == 0;
    }

    static PageDiff of(StoredImage before, PageMap first, StoredImage after, PageMap second)
            throws IOException {
        TreeMap<Long, @Nullable Place[]> pages = new TreeMap<>();
        add(first, pages, 0);
        add(second, pages, 1);
        long[] counts = new long[4];
        List<Range> ranges = new ArrayList<>();
        try (StoredImage.Chunks firstChunks = before.openChunks();
                StoredImage.Chunks secondChunks = after.openChunks()) {
            Side old = new Side(firstChunks.reader());
            Side now = new Side(secondChunks.reader());
            for (var entry : pages.entrySet()) {
                Place was = entry.getValue()[0];
                Place is = entry.getValue()[1];
                int kind =
                        was == null
                                ? 3
                                : is == null
                                        ? 2
                                        : was.equals(is) || isEqual(old, was, now, is) ? 0 : 1;
                counts[kind]++;
                if (kind != 0) {
                    add(ranges, entry.getKey());
                }
            }
        }
        return new PageDiff(counts[0], counts[1], counts[2], counts[3], List.copyOf(ranges));
    }

    private static void add(PageMap map, TreeMap<Long, @Nullable Place[]> pages, int side) {
        for (PageMap.Entry entry : map.entries()) {
            int at = 0;
            for (long left = entry.chunk(); left != 0; left &= left - 1, at++) {
                if ((entry.use() & left & -left) == 0) {
                    continue;
                }
                long page =
                        entry.stretch() * ImageFormat.CHUNK_PAGES
                                + Long.numberOfTrailingZeros(left);
                pages.computeIfAbsent(page, _ -> new @Nullable Place[2])[side] =
                        new Place(entry.hash(), at);
            }
        }
    }

    private static boolean isEqual(Side old, Place was, Side now, Place is) throws IOException {
        return Arrays.equals(old.page(was), now.page(is));
    }

    /** Reads pages of one image, a chunk once while it is looked at. */
    private static final class Side {
        private final ChunkReader reader;
        private @Nullable ContentHash hash;
        private byte[] chunk = new byte[0];

        Side(ChunkReader reader) {
            this.reader = reader;
        }

        byte[] page(Place place) throws IOException {
            if (!place.hash.equals(hash)) {
                hash = null;
                chunk = reader.read(place.hash);
                hash = place.hash;
            }
            int from = place.at * ImageFormat.PAGE;
            return Arrays.copyOfRange(chunk, from, from + ImageFormat.PAGE);
        }
    }

    private static void add(List<Range> ranges, long page) {
        long offset = page * ImageFormat.PAGE;
        if (!ranges.isEmpty()) {
            Range last = ranges.getLast();
            if (last.offset + last.length == offset) {
                ranges.set(
                        ranges.size() - 1, new Range(last.offset, last.length + ImageFormat.PAGE));
                return;
            }
        }
        ranges.add(new Range(offset, ImageFormat.PAGE));
    }
}
