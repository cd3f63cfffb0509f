package dev.thaw.state.image;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Gathers stored chunks into large aligned blocks and writes them out by a thread of its own, so that the disk works while others compress. Safe for many threads. */
final class PackWriter implements AutoCloseable {
    private static final int BLOCK = 4 << 20;
    private static final int BLOCKS = 4;

    private record Block(MemorySegment data, long position, int length) {}

    private static final Block END = new Block(MemorySegment.NULL, 0, 0);

    private final ByteSink sink;
    private final BlockingQueue<MemorySegment> free = new ArrayBlockingQueue<>(BLOCKS);
    private final BlockingQueue<Block> full = new ArrayBlockingQueue<>(BLOCKS + 1);
    private final ReentrantLock mu = new ReentrantLock();
    private final Thread thread;
    private volatile @Nullable IOException failure;
    private MemorySegment current;
    private int used;
    private long blockPosition;

    PackWriter(ByteSink sink) {
        this.sink = sink;
        for (int i = 0; i < BLOCKS; i++) {
            free.add(
                    MemorySegment.ofBuffer(
                            ByteBuffer.allocateDirect(BLOCK + ImageFormat.PAGE)
                                    .alignedSlice(ImageFormat.PAGE)));
        }
        this.current = free.remove();
        this.thread = Thread.ofPlatform().name("image-writer").daemon().start(this::run);
    }

    /** Appends a chunk and returns its position. */
    long append(byte[] bytes, int length) throws IOException {
        mu.lock();
        try {
            long position = blockPosition + used;
            int done = 0;
            while (done < length) {
                int count = Math.min(length - done, BLOCK - used);
                MemorySegment.copy(bytes, done, current, ValueLayout.JAVA_BYTE, used, count);
                used += count;
                done += count;
                if (used == BLOCK) {
                    full.put(new Block(current, blockPosition, BLOCK));
                    blockPosition += BLOCK;
                    used = 0;
                    current = free.take();
                }
            }
            check();
            return position;
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        } finally {
            mu.unlock();
        }
    }

    /** Writes what is left (padded with zeros to whole pages) and returns the bytes that count. */
    long finish() throws IOException {
        try {
            long size = blockPosition + used;
            if (used > 0) {
                int padded = (used + ImageFormat.PAGE - 1) & -ImageFormat.PAGE;
                current.asSlice(used, padded - used).fill((byte) 0);
                full.put(new Block(current, blockPosition, padded));
            }
            full.put(END);
            thread.join();
            check();
            return size;
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }

    private void check() throws IOException {
        IOException e = failure;
        if (e != null) {
            throw e;
        }
    }

    private void run() {
        try {
            while (true) {
                Block block = full.take();
                if (block == END) {
                    return;
                }
                if (failure == null) {
                    try {
                        sink.write(block.data.asSlice(0, block.length), block.position);
                    } catch (IOException e) {
                        failure = e;
                    }
                }
                free.add(block.data);
            }
        } catch (InterruptedException e) {
            failure = new IOException("interrupted", e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
