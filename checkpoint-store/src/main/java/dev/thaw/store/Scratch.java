package dev.thaw.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** A directory {@code .draft-X} for files that are not yet in their place. It goes when it is closed, or with the next one made beside it after its process died. */
final class Scratch implements AutoCloseable {
    private static final String PREFIX = ".draft-";
    private static final String LOCK = "lock";

    /** How long a directory may be without its lock file: it was just made, or is just being removed. */
    private static final Duration YOUNG = Duration.ofMinutes(1);

    private final Path directory;
    private final OwnedFile lock;

    private Scratch(Path directory, OwnedFile lock) {
        this.directory = directory;
        this.lock = lock;
    }

    static Scratch create(Path parent) throws IOException {
        Path directory = StoreFiles.createTempDirectory(parent.toRealPath(), PREFIX);
        OwnedFile lock = null;
        try {
            lock = OwnedFile.create(directory.resolve(LOCK), new byte[0]);
            return new Scratch(directory, lock);
        } finally {
            if (lock == null) {
                StoreFiles.deleteTree(directory, LOCK);
            }
        }
    }

    Path directory() {
        return directory;
    }

    /** The directories of processes that live. */
    static List<Path> live(Path parent) throws IOException {
        List<Path> live = new ArrayList<>();
        for (Path draft : StoreFiles.list(parent, PREFIX + "*")) {
            if (!isDead(draft, YOUNG)) {
                live.add(draft);
            }
        }
        return live;
    }

    /** As {@link #removeDead(Path, Duration)}, beside others who may be making one this moment. */
    static void removeDead(Path parent) throws IOException {
        removeDead(parent, YOUNG);
    }

    /** Removes the directories of dead processes, and those that have been without a lock file for {@code young}. */
    static void removeDead(Path parent, Duration young) throws IOException {
        for (Path draft : StoreFiles.list(parent, PREFIX + "*")) {
            if (isDead(draft, young)) {
                StoreFiles.deleteTree(draft, LOCK);
            }
        }
    }

    private static boolean isDead(Path draft, Duration young) throws IOException {
        try {
            return OwnedFile.isDead(draft.resolve(LOCK));
        } catch (NoSuchFileException e) {
            try {
                return !Files.getLastModifiedTime(draft)
                        .toInstant()
                        .isAfter(Instant.now().minus(young));
            } catch (NoSuchFileException gone) {
                return false;
            }
        }
    }

    @Override
    public void close() {
        try {
            StoreFiles.deleteTree(directory, LOCK);
        } catch (IOException e) {
            // what stays is removed by the next one in the same place
        }
        lock.close();
    }
}
