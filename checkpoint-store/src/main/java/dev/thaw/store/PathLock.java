package dev.thaw.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/** A lock between processes, by a file that is never removed, and between the threads of this one. Not to be taken twice by a thread. */
final class PathLock {
    private static final Map<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();

    /** What is done with the lock held. */
    interface Action<T> {
        T run() throws IOException;
    }

    private final Path file;
    private final ReentrantLock mu;

    /** {@code file} is a real path. */
    PathLock(Path file) {
        this.file = file;
        this.mu = THREADS.computeIfAbsent(file, f -> new ReentrantLock());
    }

    <T> T with(Action<T> action) throws IOException {
        mu.lock();
        try (FileChannel channel =
                        FileChannel.open(
                                file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            assert lock.isValid();
            return action.run();
        } finally {
            mu.unlock();
        }
    }
}
