package dev.thaw.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * A promise to somebody who is about to open files of a store: those named stay while this is held, or its process lives. A file {@code .lease-X}, a name on each
 * line. Take and look at leases with the store's lock held.
 */
final class Lease implements AutoCloseable {
    private static final String PREFIX = ".lease-";

    private final Path file;
    private final OwnedFile owned;

    private Lease(Path file, OwnedFile owned) {
        this.file = file;
        this.owned = owned;
    }

    static Lease take(Path root, Collection<String> names) throws IOException {
        Path file = root.resolve(PREFIX + UUID.randomUUID());
        byte[] content = String.join("\n", names).getBytes(StandardCharsets.UTF_8);
        return new Lease(file, OwnedFile.create(file, content));
    }

    /** What living processes hold leases of; leases of dead ones are removed. */
    static Set<String> names(Path root) throws IOException {
        Set<String> names = new HashSet<>();
        List<Path> dead = new ArrayList<>();
        for (Path lease : StoreFiles.list(root, PREFIX + "*")) {
            try {
                if (OwnedFile.isDead(lease)) {
                    dead.add(lease);
                } else {
                    names.addAll(Files.readAllLines(lease, StandardCharsets.UTF_8));
                }
            } catch (NoSuchFileException e) {
                // given back this moment
            }
        }
        for (Path lease : dead) {
            StoreFiles.delete(lease);
        }
        return names;
    }

    @Override
    public void close() {
        try {
            StoreFiles.delete(file);
        } catch (IOException e) {
            // a file that nobody locks is as good as none
        }
        owned.close();
    }
}
