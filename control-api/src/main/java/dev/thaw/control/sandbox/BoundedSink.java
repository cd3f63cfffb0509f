package dev.thaw.control.sandbox;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.control.host.DescriptorLoop;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** Keeps the first {@code limit} bytes of a stream in memory and drops the rest. */
final class BoundedSink implements DescriptorLoop.Sink {
    private final ReentrantLock mu = new ReentrantLock();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final int limit;

    @GuardedBy("mu")
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

    @GuardedBy("mu")
    private boolean truncated;

    BoundedSink(int limit) {
        this.limit = limit;
    }

    @Override
    public void data(ByteBuffer bytes) {
        mu.lock();
        try {
            int length = Math.min(bytes.remaining(), limit - kept.size());
            truncated |= length < bytes.remaining();
            byte[] part = new byte[length];
            bytes.get(part);
            kept.write(part, 0, length);
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void end() {
        ended.countDown();
    }

    /** Waits for the stream's end, or {@code limit}. */
    void await(Duration most) throws InterruptedException {
        ended.await(most.toNanos(), TimeUnit.NANOSECONDS);
    }

    String text() {
        mu.lock();
        try {
            return kept.toString(StandardCharsets.UTF_8);
        } finally {
            mu.unlock();
        }
    }

    boolean isTruncated() {
        mu.lock();
        try {
            return truncated;
        } finally {
            mu.unlock();
        }
    }
}
