package dev.thaw.control.sandbox;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The end of one output stream, at most {@code limit} bytes of it: byte n of the stream lies at n modulo the limit in the file. Offsets count from the stream's beginning and never
 * go back, so a reader that comes too late sees that it missed something.
 */
final class LogFile implements AutoCloseable {
    /** Bytes of the stream from {@code offset} on; {@code next} is where to go on, {@code ended} whether nothing will come after it. */
    record Slice(long offset, byte[] bytes, long next, boolean ended) {}

    private final ReentrantLock mu = new ReentrantLock();
    private final Condition changed = mu.newCondition();
    private final long limit;

    @GuardedBy("mu")
    private final FileChannel channel;

    @GuardedBy("mu")
    private long total;

    @GuardedBy("mu")
    private boolean ended;

    LogFile(Path path, long limit) throws IOException {
        this.limit = limit;
        this.channel =
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
    }

    /** Adds what {@code data} has left. On a full disk the bytes are lost, and still counted. */
    void append(ByteBuffer data) throws IOException {
        mu.lock();
        try {
            while (data.hasRemaining()) {
                long at = total % limit;
                ByteBuffer part =
                        data.slice(data.position(), (int) Math.min(data.remaining(), limit - at));
                int length = part.remaining();
                total += length;
                data.position(data.position() + length);
                while (part.hasRemaining() && channel.isOpen()) {
                    at += channel.write(part, at);
                }
            }
        } finally {
            changed.signalAll();
            mu.unlock();
        }
    }

    /** Says that the stream is at its end. */
    void end() {
        mu.lock();
        try {
            ended = true;
            changed.signalAll();
        } finally {
            mu.unlock();
        }
    }

    /** Reads at most {@code most} bytes from {@code offset} (negative: that many before the end), waiting up to {@code wait} while there are none. */
    Slice read(long offset, int most, Duration wait) throws IOException, InterruptedException {
        mu.lock();
        try {
            long from = offset < 0 ? Math.max(0, total + offset) : offset;
            long left = wait.toNanos();
            while (from >= total && !ended && left > 0) {
                left = changed.awaitNanos(left);
            }
            from = Math.min(Math.max(from, total - limit), total);
            from = Math.max(from, 0);
            byte[] bytes = new byte[(int) Math.min(most, total - from)];
            ByteBuffer into = ByteBuffer.wrap(bytes);
            while (into.hasRemaining()) {
                long at = (from + into.position()) % limit;
                into.limit((int) Math.min(bytes.length, into.position() + (limit - at)));
                if (channel.read(into, at) < 0) { // lost on a full disk
                    into.position(into.limit());
                }
                into.limit(bytes.length);
            }
            long next = from + bytes.length;
            return new Slice(from, bytes, next, ended && next == total);
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        mu.lock();
        try {
            ended = true;
            changed.signalAll();
            channel.close();
        } finally {
            mu.unlock();
        }
    }
}
