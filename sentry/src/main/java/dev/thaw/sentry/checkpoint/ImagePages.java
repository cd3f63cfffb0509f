package dev.thaw.sentry.checkpoint;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.state.ImageException;
import dev.thaw.state.image.ChunkReader;
import dev.thaw.state.image.ImageFormat;
import dev.thaw.state.image.PageMap;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Fills the memory file from an image's chunks as pages are touched. Called by one thread at a time. */
final class ImagePages implements MemoryFile.PageLoader {
    private final MemoryFile memory;
    private final ChunkReader chunks;
    private final List<PageMap.Entry> map;

    private ImagePages(MemoryFile memory, ChunkReader chunks, List<PageMap.Entry> map) {
        this.memory = memory;
        this.chunks = chunks;
        this.map = map;
    }

    /** Leaves the pages of {@code map} to be loaded on their first touch. */
    static void attach(MemoryFile memory, ChunkReader chunks, PageMap map) {
        ImagePages pages = new ImagePages(memory, chunks, map.entries());
        for (PageMap.Entry entry : map.entries()) {
            long last = ImageFormat.CHUNK_PAGES - Long.numberOfLeadingZeros(entry.use());
            if (entry.stretch() >= memory.size() / ImageFormat.CHUNK
                    || entry.offset() + last * ImageFormat.PAGE > memory.size()) {
                throw new ImageException(
                        "page map: page at " + entry.offset() + " lies outside of memory");
            }
            forEachRun(
                    entry.use(),
                    (page, count) ->
                            memory.setLazy(
                                    pages,
                                    entry.offset() + (long) page * ImageFormat.PAGE,
                                    (long) count * ImageFormat.PAGE));
        }
    }

    private interface Run {
        void accept(int page, int count);
    }

    private static void forEachRun(long mask, Run run) {
        long left = mask;
        while (left != 0) {
            int page = Long.numberOfTrailingZeros(left);
            int count = Long.numberOfTrailingZeros(~(left >>> page));
            run.accept(page, count);
            left &= count + page >= Long.SIZE ? 0 : -1L << (page + count);
        }
    }

    @Override
    public void load(long offset, long length) {
        long first = offset / ImageFormat.PAGE;
        long last = (offset + length - 1) / ImageFormat.PAGE;
        for (int i = find(offset / ImageFormat.CHUNK); i < map.size(); i++) {
            PageMap.Entry entry = map.get(i);
            long base = entry.stretch() * ImageFormat.CHUNK_PAGES;
            if (base > last) {
                break;
            }
            long from = Math.max(first - base, 0);
            long to = Math.min(last - base, ImageFormat.CHUNK_PAGES - 1);
            if ((entry.use() & -1L << from & -1L >>> (63 - to)) != 0) {
                loadChunk(entry);
            }
        }
    }

    private void loadChunk(PageMap.Entry entry) {
        MemorySegment raw;
        try {
            raw = MemorySegment.ofArray(chunks.read(entry.hash()));
        } catch (IOException e) {
            throw new ImageException("memory can not be restored: " + e.getMessage(), e);
        }
        int[] at = {0};
        forEachRun(
                entry.chunk(),
                (page, count) -> {
                    // of a chunk that is used in part, the rest is older than the image
                    long use = entry.use() >>> page;
                    long run = count == Long.SIZE ? -1L : (1L << count) - 1;
                    forEachRun(
                            use & run,
                            (used, pages) ->
                                    memory.supply(
                                            entry.offset()
                                                    + (long) (page + used) * ImageFormat.PAGE,
                                            raw,
                                            at[0] + (long) used * ImageFormat.PAGE,
                                            (long) pages * ImageFormat.PAGE));
                    at[0] += count * ImageFormat.PAGE;
                });
    }

    /** The index of the first entry at or after {@code stretch}. */
    private int find(long stretch) {
        int low = 0;
        int high = map.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (map.get(middle).stretch() < stretch) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
