package dev.thaw.state.image;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Writes the pages of a memory file as chunks: finds the pages that are not zero, hashes, compresses and packs them on all cores, and leaves out chunks that are stored already.
 */
public final class PagesWriter {
    /** Has the native compression library loaded, for a process that is about to lose its file system. */
    public static void loadLibrary() {
        Zstds.compress(new byte[1]);
    }

    /** What was written. {@code packBytes} is the pack's length without padding. */
    public record Result(PageMap pageMap, ChunkIndex index, long packBytes) {}

    /** Where the pages come from. */
    @FunctionalInterface
    public interface Source {
        /** Copies the pages of {@code mask}, each asked for once, one behind the other to {@code raw}; returns which. Those left out are zero. Called by several threads. */
        long read(long stretch, long mask, byte[] raw) throws IOException;

        /** Pages of a memory that stands still. */
        static Source of(MemorySegment view) {
            return (stretch, mask, raw) -> {
                int at = 0;
                for (long left = mask; left != 0; left &= left - 1, at += ImageFormat.PAGE) {
                    long page =
                            stretch * ImageFormat.CHUNK_PAGES + Long.numberOfTrailingZeros(left);
                    MemorySegment.copy(
                            view,
                            ValueLayout.JAVA_BYTE,
                            page * ImageFormat.PAGE,
                            raw,
                            at,
                            ImageFormat.PAGE);
                }
                return mask;
            };
        }
    }

    private static final byte[] ZEROS = new byte[ImageFormat.PAGE];

    private final Source source;
    private final Set<ContentHash> known;
    private final ImageCodec codec;
    private final long[] stretches;
    private final long[] masks;
    private final AtomicInteger next = new AtomicInteger();
    private final PageMap.@Nullable Entry[] map;
    private final ConcurrentHashMap<ContentHash, ChunkIndex.Entry> written =
            new ConcurrentHashMap<>();
    private volatile @Nullable Throwable failure;

    private PagesWriter(
            Source source,
            Set<ContentHash> known,
            ImageCodec codec,
            long[] stretches,
            long[] masks) {
        this.source = source;
        this.known = known;
        this.codec = codec;
        this.stretches = stretches;
        this.masks = masks;
        this.map = new PageMap.@Nullable Entry[stretches.length];
    }

    /** Collects runs of pages (in order of offset) as stretches with masks. */
    public static final class Runs {
        private long[] stretches = new long[256];
        private long[] masks = new long[256];
        private int count;

        /** Adds the pages of {@code mask} of a stretch; stretches come in order, each once. */
        public void addStretch(long stretch, long mask) {
            if (mask == 0) {
                return;
            }
            if (count == stretches.length) {
                stretches = Arrays.copyOf(stretches, 2 * count);
                masks = Arrays.copyOf(masks, 2 * count);
            }
            stretches[count] = stretch;
            masks[count++] = mask;
        }

        /** Adds a run of bytes, whole pages. */
        public void add(long offset, long length) {
            long end = (offset + length) / ImageFormat.PAGE;
            for (long page = offset / ImageFormat.PAGE; page < end; ) {
                long stretch = page / ImageFormat.CHUNK_PAGES;
                long stop = Math.min(end, (stretch + 1) * ImageFormat.CHUNK_PAGES);
                if (count == 0 || stretches[count - 1] != stretch) {
                    if (count == stretches.length) {
                        stretches = Arrays.copyOf(stretches, 2 * count);
                        masks = Arrays.copyOf(masks, 2 * count);
                    }
                    stretches[count] = stretch;
                    masks[count++] = 0;
                }
                long bits =
                        stop - page == 64
                                ? -1L
                                : ((1L << (stop - page)) - 1) << (page % ImageFormat.CHUNK_PAGES);
                masks[count - 1] |= bits;
                page = stop;
            }
        }
    }

    /**
     * Writes the pages of {@code runs} to {@code pack}, all but chunks in {@code known}, with {@code threads} threads.
     */
    public static Result write(
            Source source,
            Runs runs,
            Set<ContentHash> known,
            ByteSink pack,
            ImageCodec codec,
            int threads)
            throws IOException {
        PagesWriter writer =
                new PagesWriter(
                        source,
                        known,
                        codec,
                        Arrays.copyOf(runs.stretches, runs.count),
                        Arrays.copyOf(runs.masks, runs.count));
        try (PackWriter out = new PackWriter(pack)) {
            List<Thread> helpers = new ArrayList<>();
            for (int i = 1; i < threads; i++) {
                helpers.add(
                        Thread.ofPlatform()
                                .name("image-chunks-" + i)
                                .daemon()
                                .start(() -> writer.work(out)));
            }
            writer.work(out);
            for (Thread helper : helpers) {
                helper.join();
            }
            Throwable failure = writer.failure;
            if (failure != null) {
                throw failure instanceof IOException e
                        ? e
                        : new IOException(failure.toString(), failure);
            }
            long packBytes = out.finish();
            List<PageMap.Entry> entries = new ArrayList<>(writer.map.length);
            for (PageMap.Entry entry : writer.map) {
                if (entry != null) {
                    entries.add(entry);
                }
            }
            List<ChunkIndex.Entry> index = new ArrayList<>(writer.written.values());
            index.sort(Comparator.comparing(ChunkIndex.Entry::hash));
            return new Result(new PageMap(entries), new ChunkIndex(index), packBytes);
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }

    private void work(PackWriter out) {
        byte[] raw = new byte[ImageFormat.CHUNK];
        byte[] stored = new byte[ImageFormat.MAX_STORED];
        CRC32C crc = new CRC32C();
        try (ChunkCodec chunks = codec.chunks()) {
            for (int i = next.getAndIncrement();
                    i < stretches.length && failure == null;
                    i = next.getAndIncrement()) {
                long mask = gather(stretches[i], masks[i], raw);
                if (mask == 0) {
                    continue;
                }
                int length = Long.bitCount(mask) * ImageFormat.PAGE;
                ContentHash hash = chunks.address(raw, length);
                map[i] = new PageMap.Entry(stretches[i], mask, hash);
                if (known.contains(hash)
                        || written.putIfAbsent(hash, new ChunkIndex.Entry(hash, 0, 1, length, 0, 0))
                                != null) {
                    continue;
                }
                int size = chunks.encode(hash, raw, length, stored);
                crc.reset();
                crc.update(stored, 0, size);
                long position = out.append(stored, size);
                written.put(
                        hash,
                        new ChunkIndex.Entry(
                                hash, position, size, length, (int) crc.getValue(), 0));
            }
        } catch (IOException | RuntimeException | Error e) {
            failure = e;
        }
    }

    /** Reads the pages of {@code mask}, drops those that are zero, and returns which are left. */
    private long gather(long stretch, long mask, byte[] raw) throws IOException {
        long read = source.read(stretch, mask, raw);
        long result = 0;
        int at = 0;
        int from = 0;
        for (long left = read; left != 0; left &= left - 1, from += ImageFormat.PAGE) {
            if (Arrays.mismatch(raw, from, from + ImageFormat.PAGE, ZEROS, 0, ImageFormat.PAGE)
                    >= 0) {
                if (at != from) {
                    System.arraycopy(raw, from, raw, at, ImageFormat.PAGE);
                }
                at += ImageFormat.PAGE;
                result |= left & -left;
            }
        }
        return result;
    }
}
