package dev.thaw.control.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import jnr.ffi.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One thread that waits for descriptors: output of sandboxes to be read, and the ends of their processes. A descriptor handed in belongs to the loop, which closes it. */
public final class DescriptorLoop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DescriptorLoop.class);
    private static final int POLLFD = 8; // struct pollfd { int fd; short events, revents }
    private static final int CHUNK = 64 << 10;

    /** Takes what a pipe delivers, on the loop's thread. */
    public interface Sink {
        /** Bytes that came; valid during the call. */
        void data(ByteBuffer bytes);

        /** No more will come. */
        void end();
    }

    private interface Handler {
        /** Returns whether to go on watching. */
        boolean ready(int fd);
    }

    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK);
    private final int wakeRead;
    private final int wakeWrite;
    private final Thread thread;
    private volatile boolean closing;

    /** Used by the loop's thread alone. */
    private final Map<Integer, Handler> handlers = new HashMap<>();

    public DescriptorLoop() throws IOException {
        int[] wake = HostIo.pipe();
        wakeRead = wake[0];
        wakeWrite = wake[1];
        thread = Thread.ofPlatform().name("descriptors").daemon().start(this::run);
    }

    /** Reads the pipe {@code fd} to its end. */
    public void pump(int fd, Sink sink) {
        submit(() -> handlers.put(fd, ready -> read(ready, sink)));
    }

    /** Calls {@code ended} once the process of {@code pidfd} has ended. */
    public void watch(int pidfd, Runnable ended) {
        submit(
                () ->
                        handlers.put(
                                pidfd,
                                ready -> {
                                    ended.run();
                                    return false;
                                }));
    }

    private void submit(Runnable task) {
        tasks.add(task);
        HostIo.libc().write(wakeWrite, new byte[1], 1);
    }

    private boolean read(int fd, Sink sink) {
        buffer.clear();
        long count = HostIo.libc().read(fd, buffer, CHUNK);
        if (count > 0) {
            buffer.limit((int) count);
            sink.data(buffer);
            return true;
        }
        int errno = HostIo.errno();
        if (count < 0 && (errno == HostIo.EAGAIN || errno == HostIo.EINTR)) {
            return true;
        }
        sink.end();
        return false;
    }

    private void run() {
        while (!closing) {
            List<Integer> watched = new ArrayList<>(handlers.keySet());
            Pointer fds =
                    HostIo.runtime()
                            .getMemoryManager()
                            .allocateDirect(POLLFD * (watched.size() + 1));
            put(fds, 0, wakeRead);
            for (int i = 0; i < watched.size(); i++) {
                put(fds, i + 1, watched.get(i));
            }
            if (HostIo.libc().poll(fds, watched.size() + 1, -1) < 0) {
                continue; // EINTR
            }
            for (int i = 0; i < watched.size(); i++) {
                if (fds.getShort(POLLFD * (i + 1L) + 6) != 0) {
                    handle(watched.get(i));
                }
            }
            if (fds.getShort(6) != 0) {
                drain();
            }
        }
        handlers.keySet().forEach(HostIo::close);
        HostIo.close(wakeRead);
        HostIo.close(wakeWrite);
    }

    private void handle(int fd) {
        Handler handler = handlers.get(fd);
        boolean more = false;
        try {
            more = handler != null && handler.ready(fd);
        } catch (RuntimeException e) { // one sandbox's trouble is not the others'
            LOG.error("descriptor {}", fd, e);
        }
        if (!more) {
            handlers.remove(fd);
            HostIo.close(fd);
        }
    }

    private void drain() {
        buffer.clear();
        HostIo.libc().read(wakeRead, buffer, CHUNK);
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    private static void put(Pointer fds, int index, int fd) {
        fds.putInt((long) POLLFD * index, fd);
        fds.putShort((long) POLLFD * index + 4, HostIo.POLLIN);
        fds.putShort((long) POLLFD * index + 6, (short) 0);
    }

    /** Ends the thread and closes every descriptor. */
    @Override
    public void close() {
        closing = true;
        HostIo.libc().write(wakeWrite, new byte[1], 1);
        try {
            thread.join(5_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
