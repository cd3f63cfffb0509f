package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ContentHash;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Images in a directory, with equal chunks kept once.
 *
 * <pre>
 * lock                    held (flock) while names change
 * ID.json                 an image's manifest: the image exists as long as this does
 * ID.meta, ID.chunks      its state, and where its chunks are
 * ID.pack                 the chunks that were new with it; other images may refer to them, so it may outlive its image
 * .draft-X/               an image being written; {@code packs} in it names packs of others that it relies on
 * </pre>
 *
 * <p>What no manifest and no live draft names is garbage, whatever crash it comes from, and goes with the next deletion.
 */
public final class LocalImageStore implements ImageStore {
    private static final Map<Path, ReentrantLock> LOCKS = new ConcurrentHashMap<>();
    private static final String PACKS = "packs";
    private static final String ID = "[A-Za-z0-9]{1,64}";

    private final Path root;
    private final ReentrantLock mu;

    public LocalImageStore(Path root) throws IOException {
        Files.createDirectories(root);
        this.root = root.toRealPath();
        this.mu = LOCKS.computeIfAbsent(this.root, r -> new ReentrantLock());
    }

    private interface Action<T> {
        T run() throws IOException;
    }

    private <T> T locked(Action<T> action) throws IOException {
        mu.lock();
        try (FileChannel channel =
                        FileChannel.open(
                                root.resolve("lock"),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            assert lock.isValid();
            return action.run();
        } finally {
            mu.unlock();
        }
    }

    @Override
    public ImageDraft begin() throws IOException {
        return locked(
                () -> {
                    Map<ContentHash, ImageDraft.Known> known = new HashMap<>();
                    TreeSet<String> packs = new TreeSet<>();
                    for (StoredImage image : images()) {
                        List<Manifest.FileRef> refs = image.manifest().packs();
                        try {
                            for (ChunkIndex.Entry entry :
                                    ChunkIndex.decode(Files.readAllBytes(image.chunks()))
                                            .entries()) {
                                if (entry.pack() < refs.size()
                                        && Files.exists(
                                                root.resolve(refs.get(entry.pack()).name()))) {
                                    Manifest.FileRef pack = refs.get(entry.pack());
                                    known.putIfAbsent(
                                            entry.hash(),
                                            new ImageDraft.Known(pack.name(), pack.size(), entry));
                                    packs.add(pack.name());
                                }
                            }
                        } catch (ImageException | IOException e) {
                            // a damaged image is of no use to others
                        }
                    }
                    ImageDraft draft = ImageDraft.open(root, known, new InStore());
                    Files.write(draft.directory().resolve(PACKS), packs, StandardCharsets.UTF_8);
                    return draft;
                });
    }

    private final class InStore implements ImageDraft.Publisher {
        @Override
        public StoredImage publish(ImageDraft draft, Manifest manifest) throws IOException {
            return locked(
                    () -> {
                        for (Path file : List.of(draft.pack(), draft.meta(), draft.chunks())) {
                            if (Files.exists(file)) {
                                Files.move(
                                        file,
                                        root.resolve(file.getFileName()),
                                        StandardCopyOption.ATOMIC_MOVE);
                            }
                        }
                        StoreFiles.syncDirectory(root);
                        Files.move(
                                draft.manifest(),
                                manifestFile(manifest.id()),
                                StandardCopyOption.ATOMIC_MOVE);
                        StoreFiles.syncDirectory(root);
                        return get(manifest.id());
                    });
        }

        @Override
        public void abandoned() {}
    }

    private Path manifestFile(String id) {
        return root.resolve(id + ".json");
    }

    @Override
    public List<StoredImage> list() throws IOException {
        List<StoredImage> images = images();
        images.sort(
                Comparator.comparing((StoredImage image) -> image.manifest().created())
                        .thenComparing(StoredImage::id));
        return images;
    }

    private List<StoredImage> images() throws IOException {
        List<StoredImage> images = new ArrayList<>();
        for (Path file : StoreFiles.list(root, "*.json")) {
            try {
                images.add(StoredImage.open(file, root, root));
            } catch (ImageException e) {
                // verify() tells of it
            }
        }
        return images;
    }

    @Override
    public StoredImage get(String id) {
        if (!id.matches(ID) || !Files.exists(manifestFile(id))) {
            throw new ImageException(
                    "no image " + (id.matches(ID) ? id : "of that name") + " in " + root);
        }
        return StoredImage.open(manifestFile(id), root, root);
    }

    @Override
    public void delete(String id) throws IOException {
        locked(
                () -> {
                    if (!id.matches(ID) || !Files.deleteIfExists(manifestFile(id))) {
                        throw new ImageException(
                                "no image "
                                        + (id.matches(ID) ? id : "of that name")
                                        + " in "
                                        + root);
                    }
                    StoreFiles.syncDirectory(root);
                    collect();
                    return id;
                });
    }

    /** Removes every file that neither an image nor a draft names. */
    private void collect() throws IOException {
        Set<String> named = new HashSet<>();
        for (Path file : StoreFiles.list(root, "*.json")) {
            Manifest manifest;
            try {
                manifest = StoredImage.open(file, root, root).manifest();
            } catch (ImageException e) {
                return; // what a damaged manifest names is not known, so nothing may go
            }
            named.add(manifest.meta().name());
            named.add(manifest.chunks().name());
            manifest.packs().forEach(pack -> named.add(pack.name()));
        }
        for (Path draft : ImageDraft.live(root)) {
            Path packs = draft.resolve(PACKS);
            if (Files.exists(packs)) {
                named.addAll(Files.readAllLines(packs, StandardCharsets.UTF_8));
            }
        }
        for (Path file : StoreFiles.list(root, "*.{pack,meta,chunks}")) {
            if (!named.contains(file.getFileName().toString())) {
                Files.deleteIfExists(file);
            }
        }
    }

    @Override
    public List<String> verify() throws IOException {
        List<String> faults = new ArrayList<>();
        for (Path file : StoreFiles.list(root, "*.json")) {
            try {
                StoredImage.open(file, root, root).verify();
            } catch (ImageException e) {
                faults.add(String.valueOf(e.getMessage()));
            }
        }
        return faults;
    }
}
