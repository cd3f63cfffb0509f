package dev.thaw.store;

import dev.thaw.state.image.ChunkIndex;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Reads chunks of a pack by few large ranges, several at a time. */
final class RangeReader {
    private static final int WORKERS = 4;
    private static final int RANGE = 4 << 20;

    /** Between two chunks: reading what is not needed is cheaper than asking again. */
    private static final int GAP = 256 << 10;

    /** Takes a chunk's stored bytes; called by several threads. */
    interface Sink {
        void take(ChunkIndex.Entry chunk, ByteBuffer bytes) throws IOException;
    }

    /** Neighbours that are read at once. */
    private record Range(List<ChunkIndex.Entry> chunks, long position, long end) {}

    static void read(ObjectStore objects, String key, List<ChunkIndex.Entry> chunks, Sink sink)
            throws IOException {
        Queue<Range> ranges = new ConcurrentLinkedQueue<>(ranges(chunks));
        AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
        Runnable work =
                () -> {
                    ByteBuffer buffer = ByteBuffer.allocate(RANGE);
                    Range range = ranges.poll();
                    while (range != null && failure.get() == null) {
                        try {
                            read(objects, key, range, buffer, sink);
                        } catch (IOException | RuntimeException e) {
                            failure.compareAndSet(null, e);
                        }
                        range = ranges.poll();
                    }
                };
        List<Thread> threads = new ArrayList<>();
        for (int i = 1; i < Math.min(WORKERS, ranges.size()); i++) {
            threads.add(Thread.ofPlatform().name("range-" + i).daemon().start(work));
        }
        work.run();
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            failure.compareAndSet(null, e);
            throw new IOException("interrupted", e);
        }
        switch (failure.get()) {
            case null -> {}
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Exception e -> throw new IOException(e.getMessage(), e);
        }
    }

    private static List<Range> ranges(List<ChunkIndex.Entry> chunks) {
        List<ChunkIndex.Entry> sorted = new ArrayList<>(chunks);
        sorted.sort(Comparator.comparingLong(ChunkIndex.Entry::position));
        List<Range> ranges = new ArrayList<>();
        List<ChunkIndex.Entry> current = new ArrayList<>();
        long start = 0;
        long end = 0;
        for (ChunkIndex.Entry chunk : sorted) {
            long chunkEnd = chunk.position() + chunk.stored();
            if (!current.isEmpty() && (chunk.position() - end > GAP || chunkEnd - start > RANGE)) {
                ranges.add(new Range(List.copyOf(current), start, end));
                current.clear();
            }
            if (current.isEmpty()) {
                start = chunk.position();
            }
            current.add(chunk);
            end = Math.max(chunkEnd, current.size() == 1 ? 0 : end);
        }
        if (!current.isEmpty()) {
            ranges.add(new Range(List.copyOf(current), start, end));
        }
        return ranges;
    }

    private static void read(
            ObjectStore objects, String key, Range range, ByteBuffer buffer, Sink sink)
            throws IOException {
        buffer.clear().limit(Math.toIntExact(range.end - range.position));
        objects.read(key, range.position, buffer);
        for (ChunkIndex.Entry chunk : range.chunks) {
            int at = (int) (chunk.position() - range.position);
            sink.take(chunk, buffer.duplicate().limit(at + chunk.stored()).position(at));
        }
    }

    private RangeReader() {}
}
