package dev.thaw.store;

import dev.thaw.state.image.ContentHash;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/**
 * Files written so that they are there, or not, after a crash. Everything a store does to files it does by these methods, each of which is one step or a few, so
 * that a test can stop before any step ({@link #WATCH}).
 */
final class StoreFiles {
    /** Is told of each step before it is done, and ends it all by throwing. */
    interface Watch {
        void before(String step, Path file);
    }

    /** Bound by tests only. */
    static final ScopedValue<Watch> WATCH = ScopedValue.newInstance();

    /** Tells a watching test of a step that is made elsewhere. */
    static void announce(String step, Path file) {
        if (WATCH.isBound()) {
            WATCH.get().before(step, file);
        }
    }

    /** Has the disk keep the file's bytes. */
    static void sync(Path file) throws IOException {
        announce("sync", file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    /** Has the disk keep the names in {@code directory}. */
    static void syncDirectory(Path directory) throws IOException {
        announce("sync", directory);
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Cuts a file to {@code size} and has the disk keep it. */
    static void truncate(Path file, long size) throws IOException {
        announce("truncate", file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(size);
            channel.force(true);
        }
    }

    /** Writes a new file and has the disk keep it. */
    static void write(Path file, byte[] bytes) throws IOException {
        writeLoosely(file, bytes);
        sync(file);
    }

    /** Writes a new file that need not outlive the machine. */
    static void writeLoosely(Path file, byte[] bytes) throws IOException {
        announce("create", file);
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            write(channel, file, ByteBuffer.wrap(bytes));
        }
    }

    /** Writes all of {@code bytes}; a watched write stops in the middle too. */
    static void write(FileChannel channel, Path file, ByteBuffer bytes) throws IOException {
        int end = bytes.limit();
        if (WATCH.isBound()) {
            bytes.limit(end / 2);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            announce("write", file);
            bytes.limit(end);
        }
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Gives a file a name, at once, in place of what had it. */
    static void move(Path from, Path to) throws IOException {
        announce("move", to);
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Gives a file one more name; a copy of it where the file system can not. */
    static void link(Path from, Path to) throws IOException {
        announce("link", to);
        try {
            Files.createLink(to, from);
        } catch (FileSystemException | UnsupportedOperationException e) {
            Files.copy(from, to);
            sync(to);
        }
    }

    static boolean delete(Path file) throws IOException {
        announce("delete", file);
        return Files.deleteIfExists(file);
    }

    static void createDirectories(Path directory) throws IOException {
        announce("create", directory);
        Files.createDirectories(directory);
    }

    static Path createTempDirectory(Path parent, String prefix) throws IOException {
        announce("create", parent);
        return Files.createTempDirectory(parent, prefix);
    }

    /** Puts {@code bytes} in the place of the file, all at once. */
    static void replace(Path file, byte[] bytes) throws IOException {
        Path aside = file.resolveSibling("." + file.getFileName() + ".new");
        delete(aside); // of a process that died
        write(aside, bytes);
        move(aside, file);
        syncDirectory(parent(file));
    }

    private static Path parent(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? file : parent;
    }

    /** The hash of a whole file, which need not fit into memory. */
    static ContentHash hash(Path file) throws IOException {
        MessageDigest digest = ContentHash.digest();
        try (InputStream in = Files.newInputStream(file)) {
            byte[] buffer = new byte[1 << 16];
            for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
                digest.update(buffer, 0, count);
            }
        }
        return ContentHash.wrap(digest.digest());
    }

    static List<Path> list(Path directory, String glob) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, glob)) {
            entries.forEach(found::add);
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } catch (java.nio.file.DirectoryIteratorException e) {
            throw e.getCause();
        }
        found.sort(null);
        return found;
    }

    /** Deletes a directory of files; the file {@code last}, if there, last. */
    static void deleteTree(Path directory, String last) throws IOException {
        for (Path file : list(directory, "*")) {
            if (!file.endsWith(last)) {
                delete(file);
            }
        }
        delete(directory.resolve(last));
        delete(directory);
    }

    private StoreFiles() {}
}
