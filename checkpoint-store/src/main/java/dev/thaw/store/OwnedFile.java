package dev.thaw.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A file that says by a lock that the process which made it is alive: Linux drops the lock with the process, however it ends. */
final class OwnedFile implements AutoCloseable {
    /** This process's files. Linux drops a process's lock of a file when it closes any descriptor of it, so these are never opened again. */
    private static final Map<Path, OwnedFile> OWN = new ConcurrentHashMap<>();

    private final Path file;
    private final FileChannel channel;

    private OwnedFile(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Makes a file with {@code content} in a directory given by its real path. It has its name when it has its lock, so nobody takes it for dead before. */
    static OwnedFile create(Path file, byte[] content) throws IOException {
        Path aside = file.resolveSibling(file.getFileName() + ".new");
        StoreFiles.announce("create", aside);
        FileChannel channel =
                FileChannel.open(aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        OwnedFile owned = new OwnedFile(file, channel);
        boolean done = false;
        try {
            channel.lock();
            StoreFiles.write(channel, aside, ByteBuffer.wrap(content));
            OWN.put(file, owned);
            StoreFiles.move(aside, file);
            done = true;
            return owned;
        } finally {
            if (!done) {
                owned.close();
            }
        }
    }

    /** Whether the process that made {@code file} is gone. {@link NoSuchFileException} when the file is. */
    static boolean isDead(Path file) throws IOException {
        if (OWN.containsKey(file.toRealPath())) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            return lock != null;
        }
    }

    /** Has this process's files below {@code directory} look as if it had died. For tests. */
    static void dieIn(Path directory) {
        OWN.forEach(
                (file, owned) -> {
                    if (file.startsWith(directory)) {
                        owned.close();
                    }
                });
    }

    /** Gives the file up. Remove it first. */
    @Override
    public void close() {
        OWN.remove(file);
        try {
            channel.close();
        } catch (IOException e) {
            // the lock goes with the process at the latest
        }
    }
}
