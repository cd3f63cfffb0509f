package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ContentHash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Images in a directory, with equal chunks kept once.
 *
 * <pre>
 * lock                    held (flock) while names change
 * ID.json                 an image's manifest: the image exists as long as this does
 * ID.meta, ID.chunks      its state, and where its chunks are
 * ID.pack                 the chunks that were new with it; other images may refer to them, so it may outlive its image
 * ID.live                 how many bytes of the pack were kept when it was last rewritten
 * .draft-X/               an image being written; {@code packs} in it names packs of others that it relies on
 * .lease-X                files that somebody is about to open
 * </pre>
 *
 * <p>What no manifest, live draft or lease names is garbage, whatever crash it comes from, and goes with the next deletion or collection.
 */
public final class LocalImageStore implements ImageStore {
    private static final String ID = "[A-Za-z0-9]{1,64}";

    private final Path root;
    private final PathLock lock;

    public LocalImageStore(Path root) throws IOException {
        StoreFiles.createDirectories(root);
        this.root = root.toRealPath();
        this.lock = new PathLock(this.root.resolve("lock"));
    }

    private <T> T locked(PathLock.Action<T> action) throws IOException {
        return lock.with(action);
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
                    Scratch.removeDead(root, Duration.ZERO);
                    ImageDraft draft = ImageDraft.open(root, known, new InStore());
                    boolean done = false;
                    try {
                        StoreFiles.writeLoosely(
                                draft.directory().resolve(StoreCollector.PACKS),
                                String.join("\n", packs).getBytes(StandardCharsets.UTF_8));
                        done = true;
                        return draft;
                    } finally {
                        if (!done) {
                            draft.close();
                        }
                    }
                });
    }

    private final class InStore implements ImageDraft.Publisher {
        @Override
        public StoredImage publish(ImageDraft draft, Manifest manifest) throws IOException {
            return locked(
                    () -> {
                        String parent = manifest.parent();
                        if (parent != null && !Files.exists(manifestFile(parent))) {
                            throw new IOException(
                                    "parent image " + parent + " was deleted meanwhile");
                        }
                        for (Path file : List.of(draft.pack(), draft.meta(), draft.chunks())) {
                            if (Files.exists(file)) {
                                StoreFiles.move(file, root.resolve(file.getFileName()));
                            }
                        }
                        StoreFiles.syncDirectory(root);
                        StoreFiles.move(draft.manifest(), manifestFile(manifest.id()));
                        StoreFiles.syncDirectory(root);
                        return get(manifest.id());
                    });
        }

        @Override
        public void abandoned() {}
    }

    private StoredImage replace(Manifest manifest, byte[] bytes) throws IOException {
        return locked(
                () -> {
                    get(manifest.id()); // it may have been deleted meanwhile
                    StoreFiles.replace(manifestFile(manifest.id()), bytes);
                    return get(manifest.id());
                });
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
                images.add(StoredImage.open(file, root, root, this::replace));
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
        return StoredImage.open(manifestFile(id), root, root, this::replace);
    }

    @Override
    public ImageLease open(String id) throws IOException {
        if (!Files.isWritable(root)) { // a medium to read from, where no lease can be written
            return new ImageLease(get(id), null);
        }
        return locked(
                () -> {
                    StoredImage image = get(id);
                    List<String> names = new ArrayList<>();
                    names.add(image.manifest().meta().name());
                    names.add(image.manifest().chunks().name());
                    image.manifest().packs().forEach(pack -> names.add(pack.name()));
                    return new ImageLease(image, Lease.take(root, names));
                });
    }

    @Override
    public StoredImage adopt(Filler filler) throws IOException {
        try (Scratch scratch = locked(() -> Scratch.create(root))) {
            StoredImage image = Adoption.fill(scratch, filler);
            Manifest manifest = image.manifest();
            if (!manifest.id().matches(ID)) {
                throw new ImageException("the image's id can not be a name in " + root);
            }
            return locked(
                    () -> {
                        if (Files.exists(manifestFile(manifest.id()))) {
                            throw new ImageException(
                                    root + " holds image " + manifest.id() + " already");
                        }
                        if (manifest.parent() != null
                                && !Files.exists(manifestFile(manifest.parent()))) {
                            throw new ImageException(
                                    root
                                            + " lacks the image's parent "
                                            + manifest.parent()
                                            + ": import that first, or flatten the image before its export");
                        }
                        Adoption.move(image, root);
                        StoreFiles.move(
                                scratch.directory().resolve("manifest.json"),
                                manifestFile(manifest.id()));
                        StoreFiles.syncDirectory(root);
                        return get(manifest.id());
                    });
        }
    }

    @Override
    public void delete(String id) throws IOException {
        locked(
                () -> {
                    get(id);
                    Lineage.checkChildless(id, images());
                    StoreFiles.delete(manifestFile(id));
                    StoreFiles.syncDirectory(root);
                    new StoreCollector(root).sweep();
                    return id;
                });
    }

    /**
     * Removes every file that neither an image, nor a draft, nor a lease names, then rewrites packs of which more than half is dead. Checkpoints and restores may be
     * under way: only the first part holds the store's lock.
     */
    @Override
    public Collected collect() throws IOException {
        StoreCollector collector = new StoreCollector(root);
        List<StoreCollector.Sparse> sparse =
                locked(
                        () -> {
                            collector.sweep();
                            return collector.sparse();
                        });
        for (StoreCollector.Sparse pack : sparse) {
            try (Scratch scratch = locked(() -> Scratch.create(root))) {
                Path copy = collector.rewrite(pack, scratch.directory());
                locked(
                        () -> {
                            collector.replace(pack, copy);
                            return pack;
                        });
            }
        }
        return collector.result();
    }

    @Override
    public List<String> verify(String id) throws IOException {
        try (ImageLease lease = open(id)) {
            return lease.image().faults();
        }
    }

    @Override
    public List<String> verify() throws IOException {
        List<String> faults = new ArrayList<>();
        Set<String> ids = new TreeSet<>();
        Map<String, String> parents = new TreeMap<>();
        for (Path file : StoreFiles.list(root, "*.json")) {
            String id = file.getFileName().toString().replace(".json", "");
            ids.add(id);
            try (ImageLease lease = open(id)) {
                StoredImage image = lease.image();
                if (!image.id().equals(id)) {
                    faults.add(file + " is the manifest of " + image.id());
                }
                if (image.manifest().parent() != null) {
                    parents.put(id, image.manifest().parent());
                }
                faults.addAll(image.faults());
            } catch (ImageException e) {
                if (Files.exists(file)) { // else it was deleted this moment
                    faults.add(String.valueOf(e.getMessage()));
                }
            }
        }
        parents.forEach(
                (id, parent) -> {
                    if (!ids.contains(parent) && Files.exists(manifestFile(id))) {
                        faults.add(manifestFile(id) + " has a parent that is gone: " + parent);
                    }
                });
        return faults;
    }
}
