package dev.thaw.store;

import dev.thaw.state.image.ContentHash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Which page packs this machine has read whole and found right, so that a restore need not read gigabytes again: a file for each, named by the image's root hash and the
 * pack's device and inode (images share packs, and each needs other chunks of it), which says its size and the moment of its last change (ctime, which no program can set). It spares work and decides nothing: each chunk is compared with its hash anyway before the guest sees a byte of it.
 */
public final class VerifiedFiles {
    private static final int MAX_STAMPS = 4096;

    private final Path directory;

    /** {@code directory} is made when the first stamp is; only this user may write there. */
    public VerifiedFiles(Path directory) {
        this.directory = directory;
    }

    /** Whether {@code file} is as it was when {@link #add} was told of what the image with this root needs of it. */
    boolean has(ContentHash root, Path file) {
        try {
            Stamp stamp = Stamp.of(file);
            return Files.readString(path(root, stamp)).equals(stamp.content);
        } catch (IOException e) {
            return false;
        }
    }

    /** Remembers that all that the image with this root needs of {@code file} is right. What {@code before} says must still be so. */
    void add(ContentHash root, Path file, Stamp before) {
        try {
            Stamp stamp = Stamp.of(file);
            if (!stamp.equals(before)) {
                return; // it changed while it was read
            }
            Files.createDirectories(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
            Path aside = Files.createTempFile(directory, "new", null);
            Files.writeString(aside, stamp.content, StandardCharsets.US_ASCII);
            Files.move(aside, path(root, stamp), StandardCopyOption.ATOMIC_MOVE);
            prune();
        } catch (IOException e) {
            // it will be read again
        }
    }

    private Path path(ContentHash root, Stamp stamp) {
        return directory.resolve(root + "-" + stamp.name);
    }

    /** What tells one state of a file from another; null when the file can not be looked at. */
    static @Nullable Stamp look(Path file) {
        try {
            return Stamp.of(file);
        } catch (IOException e) {
            return null;
        }
    }

    private void prune() throws IOException {
        List<Path> stamps = new ArrayList<>();
        try (var entries = Files.newDirectoryStream(directory)) {
            entries.forEach(stamps::add);
        }
        if (stamps.size() <= MAX_STAMPS) {
            return;
        }
        stamps.sort(Comparator.comparingLong(stamp -> stamp.toFile().lastModified()));
        for (Path stamp : stamps.subList(0, stamps.size() - MAX_STAMPS / 2)) {
            Files.deleteIfExists(stamp);
        }
    }

    /** A file's identity, and its size and last change. */
    record Stamp(String name, String content) {
        static Stamp of(Path file) throws IOException {
            Map<String, Object> attributes = Files.readAttributes(file, "unix:dev,ino,size,ctime");
            FileTime change = (FileTime) Objects.requireNonNull(attributes.get("ctime"));
            return new Stamp(
                    attributes.get("dev") + "-" + attributes.get("ino"),
                    attributes.get("size") + " " + change.toInstant());
        }
    }
}
