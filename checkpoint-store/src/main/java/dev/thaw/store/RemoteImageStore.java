package dev.thaw.store;

import com.google.errorprone.annotations.MustBeClosed;
import dev.thaw.state.ImageException;
import dev.thaw.state.image.ByteSource;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Images in an {@link ObjectStore}, with equal chunks kept once, and what this machine needs of them in a {@link PackCache}. Manifests are put last and removed
 * first. {@link RemoteNames} says what lies where.
 */
public final class RemoteImageStore implements ImageStore {
    private static final String ID = "[A-Za-z0-9]{1,64}";

    /** How this machine uses the store. {@code grace}: how long garbage is kept; {@code silence}: after how long a writer counts as dead. */
    public record Options(Path cache, long cacheBytes, Duration grace, Duration silence) {
        public Options(Path cache, long cacheBytes) {
            this(cache, cacheBytes, Duration.ofHours(1), RemoteCollector.SILENCE);
        }
    }

    private final ObjectStore objects;
    private final Options options;
    private final PackCache cache;
    private final Path manifests;
    private final Path drafts;

    /** {@code objects} is closed with this. */
    public RemoteImageStore(ObjectStore objects, Options options) throws IOException {
        this.objects = objects;
        this.options = options;
        this.manifests = options.cache().resolve("manifests");
        this.drafts = options.cache().resolve("drafts");
        StoreFiles.createDirectories(manifests);
        StoreFiles.createDirectories(drafts);
        this.cache =
                new PackCache(options.cache(), options.cacheBytes(), objects, RemoteNames.FILES);
    }

    @Override
    public ImageDraft begin() throws IOException {
        RemoteMark mark = new RemoteMark(objects);
        boolean done = false;
        try {
            Set<String> dead = new HashSet<>();
            for (ObjectStore.Stat stat : objects.list(RemoteNames.DEAD)) {
                dead.add(RemoteNames.name(stat.key()));
            }
            Map<ContentHash, ImageDraft.Known> known = new HashMap<>();
            for (StoredImage image : list()) {
                known(image, dead, known);
            }
            ImageDraft draft = ImageDraft.open(drafts, known, new InStore(mark));
            Set<String> names = new HashSet<>();
            known.values().forEach(chunk -> names.add(chunk.pack()));
            names.add(draft.pack().getFileName().toString());
            names.add(draft.meta().getFileName().toString());
            names.add(draft.chunks().getFileName().toString());
            try {
                mark.relyOn(names);
                done = true;
                return draft;
            } finally {
                if (!done) {
                    draft.close();
                }
            }
        } finally {
            if (!done) {
                mark.close();
            }
        }
    }

    private void known(
            StoredImage image, Set<String> dead, Map<ContentHash, ImageDraft.Known> known)
            throws IOException {
        List<Manifest.FileRef> packs = image.manifest().packs();
        try {
            cache.fetch(image.manifest().chunks());
            for (ChunkIndex.Entry entry : image.chunkIndex().entries()) {
                if (entry.pack() < packs.size() && !dead.contains(packs.get(entry.pack()).name())) {
                    Manifest.FileRef pack = packs.get(entry.pack());
                    known.putIfAbsent(
                            entry.hash(), new ImageDraft.Known(pack.name(), pack.size(), entry));
                }
            }
        } catch (ImageException | NoSuchFileException e) {
            // a damaged image is of no use to others, one that was deleted this moment neither
        }
    }

    private final class InStore implements ImageDraft.Publisher {
        private final RemoteMark mark;

        InStore(RemoteMark mark) {
            this.mark = mark;
        }

        @Override
        public StoredImage publish(ImageDraft draft, Manifest manifest) throws IOException {
            String key = RemoteNames.IMAGES + manifest.id() + RemoteNames.JSON;
            boolean done = false;
            try {
                for (Path file : List.of(draft.pack(), draft.meta(), draft.chunks())) {
                    if (Files.exists(file)) {
                        objects.put(RemoteNames.FILES + file.getFileName(), file);
                    }
                }
                objects.put(key, Files.readAllBytes(draft.manifest()));
                if (!mark.isThere()) {
                    throw new IOException(
                            "the checkpoint gave "
                                    + objects.describe("")
                                    + " no sign for too long, and what it relies on may be gone: take it again");
                }
                String parent = manifest.parent();
                if (parent != null && !isThere(parent)) {
                    throw new IOException("parent image " + parent + " was deleted meanwhile");
                }
                done = true;
            } finally {
                if (!done) {
                    objects.delete(key);
                }
            }
            keep(draft, manifest);
            mark.close();
            return get(manifest.id());
        }

        /** What was just written is likely to be restored here. */
        private void keep(ImageDraft draft, Manifest manifest) throws IOException {
            List<ChunkIndex.Entry> own = new ArrayList<>();
            String pack = draft.pack().getFileName().toString();
            for (ChunkIndex.Entry entry :
                    ChunkIndex.decode(Files.readAllBytes(draft.chunks())).entries()) {
                if (manifest.packs().get(entry.pack()).name().equals(pack)) {
                    own.add(entry);
                }
            }
            if (Files.exists(draft.pack())) {
                cache.adopt(draft.pack(), own);
            }
            cache.adopt(draft.meta());
            cache.adopt(draft.chunks());
            cache.evict();
        }

        @Override
        public void abandoned() {
            mark.close();
        }
    }

    @Override
    public StoredImage adopt(Filler filler) throws IOException {
        try (Scratch scratch = Scratch.create(drafts)) {
            StoredImage image = Adoption.fill(scratch, filler);
            if (!image.id().matches(ID)) {
                throw new ImageException(
                        "the image's id can not be a name in " + objects.describe(""));
            }
            new RemoteAdoption(objects, image).run();
            return get(image.id());
        }
    }

    @Override
    public List<StoredImage> list() throws IOException {
        List<StoredImage> images = new ArrayList<>();
        for (ObjectStore.Stat stat : objects.list(RemoteNames.IMAGES)) {
            if (stat.key().endsWith(RemoteNames.JSON) && id(stat).matches(ID)) {
                try {
                    StoredImage image = image(stat);
                    if (image != null) {
                        images.add(image);
                    }
                } catch (ImageException e) {
                    // verify() tells of it
                }
            }
        }
        images.sort(
                Comparator.comparing((StoredImage image) -> image.manifest().created())
                        .thenComparing(StoredImage::id));
        return images;
    }

    @Override
    public StoredImage get(String id) {
        try {
            ObjectStore.Stat stat =
                    id.matches(ID)
                            ? objects.stat(RemoteNames.IMAGES + id + RemoteNames.JSON)
                            : null;
            StoredImage image = stat == null ? null : image(stat);
            if (image == null) {
                throw new ImageException(
                        "no image "
                                + (id.matches(ID) ? id : "of that name")
                                + " in "
                                + objects.describe(""));
            }
            return image;
        } catch (IOException e) {
            throw new ImageException(ImageDraft.explain(e), e);
        }
    }

    /** The image of a manifest, which is brought here if it is not or has changed; null when it is gone. */
    private @Nullable StoredImage image(ObjectStore.Stat stat) throws IOException {
        Path file = manifests.resolve(copy(stat));
        if (!Files.exists(file)) {
            try {
                byte[] bytes = objects.get(stat.key(), RemoteNames.MAX_MANIFEST);
                try (Scratch scratch = Scratch.create(drafts)) {
                    Path aside = scratch.directory().resolve(id(stat));
                    StoreFiles.writeLoosely(aside, bytes);
                    StoreFiles.move(aside, file);
                }
            } catch (NoSuchFileException e) {
                return null;
            }
        }
        return StoredImage.open(file, cache.files(), cache.files(), this::replace);
    }

    /** What this machine's copy of a manifest is called; one with other bytes has another name. */
    private static String copy(ObjectStore.Stat manifest) {
        return id(manifest)
                + "."
                + manifest.tag().replaceAll("[^A-Za-z0-9]", "")
                + RemoteNames.JSON;
    }

    private static String id(ObjectStore.Stat manifest) {
        return RemoteNames.name(manifest.key()).replace(RemoteNames.JSON, "");
    }

    /** Brings all that a restore reads to this machine's cache. */
    @Override
    @MustBeClosed
    public ImageLease open(String id) throws IOException {
        StoredImage image = get(id);
        Manifest manifest = image.manifest();
        List<String> names = new ArrayList<>();
        names.add(manifest.meta().name());
        names.add(manifest.chunks().name());
        manifest.packs().forEach(pack -> names.add(pack.name()));
        Lease lease = cache.lease(names);
        boolean done = false;
        try {
            cache.fetch(manifest.meta());
            cache.fetch(manifest.chunks());
            Map<Integer, List<ChunkIndex.Entry>> wanted = new TreeMap<>();
            for (ChunkIndex.Entry entry : image.chunkIndex().entries()) {
                wanted.computeIfAbsent(entry.pack(), p -> new ArrayList<>()).add(entry);
            }
            for (int i = 0; i < manifest.packs().size(); i++) {
                cache.fetch(manifest.packs().get(i), wanted.getOrDefault(i, List.of()));
            }
            cache.evict();
            done = true;
            return new ImageLease(image, lease);
        } catch (NoSuchFileException e) {
            throw new ImageException(e.getFile() + " is missing", e);
        } finally {
            if (!done) {
                lease.close();
            }
        }
    }

    private boolean isThere(String id) throws IOException {
        return objects.stat(RemoteNames.IMAGES + id + RemoteNames.JSON) != null;
    }

    /** Removes the image. The bytes go with a later {@link #collect}, when they have been of no use for the grace period. */
    @Override
    public void delete(String id) throws IOException {
        get(id);
        Lineage.checkChildless(id, list());
        String key = RemoteNames.IMAGES + id + RemoteNames.JSON;
        byte[] manifest = objects.get(key, RemoteNames.MAX_MANIFEST);
        objects.delete(key);
        boolean done = false;
        try {
            Lineage.checkChildless(
                    id, list()); // a child that looked for it just before is seen now
            done = true;
        } finally {
            if (!done) {
                objects.put(key, manifest);
            }
        }
        for (Path copy : StoreFiles.list(manifests, id + ".*")) {
            StoreFiles.delete(copy);
        }
    }

    /** Puts a changed manifest of an image in the place of the one it has. */
    private StoredImage replace(Manifest manifest, byte[] bytes) throws IOException {
        String key = RemoteNames.IMAGES + manifest.id() + RemoteNames.JSON;
        Set<String> names = new HashSet<>();
        names.add(manifest.meta().name());
        names.add(manifest.chunks().name());
        manifest.packs().forEach(pack -> names.add(pack.name()));
        try (RemoteMark mark = new RemoteMark(objects)) {
            mark.relyOn(names);
            if (!isThere(manifest.id())) {
                throw new NoSuchFileException(objects.describe(key));
            }
            objects.put(key, bytes);
            for (String name : names) {
                if (!mark.isThere() || objects.stat(RemoteNames.FILES + name) == null) {
                    objects.delete(key); // it was deleted meanwhile
                    throw new NoSuchFileException(objects.describe(RemoteNames.FILES + name));
                }
            }
        }
        return get(manifest.id());
    }

    @Override
    public Collected collect() throws IOException {
        Collected done = new RemoteCollector(objects, options.grace(), options.silence()).run();
        Set<String> there = new HashSet<>();
        for (ObjectStore.Stat stat : objects.list(RemoteNames.IMAGES)) {
            there.add(copy(stat));
        }
        for (Path file : StoreFiles.list(manifests, "*" + RemoteNames.JSON)) {
            if (!there.contains(file.getFileName().toString())) {
                StoreFiles.delete(file);
            }
        }
        cache.evict();
        return done;
    }

    @Override
    public List<String> verify(String id) throws IOException {
        StoredImage image = get(id);
        String name = objects.describe(RemoteNames.IMAGES + id + RemoteNames.JSON);
        List<String> faults = new ArrayList<>();
        String parent = image.manifest().parent();
        if (parent != null && !isThere(parent)) {
            faults.add(name + " has a parent that is gone: " + parent);
        }
        if (!image.id().equals(id)) {
            faults.add(name + " is the manifest of " + image.id());
        }
        faults.addAll(
                ImageAudit.faults(
                        image.manifest(),
                        new ImageAudit.Opener() {
                            @Override
                            public ByteSource open(String file) throws IOException {
                                return new ObjectSource(objects, RemoteNames.FILES + file);
                            }

                            @Override
                            public String describe(String file) {
                                return objects.describe(RemoteNames.FILES + file);
                            }
                        },
                        image.manifest().encryption() == null ? ImageCodec.plain() : null));
        return faults;
    }

    @Override
    public List<String> verify() throws IOException {
        List<String> faults = new ArrayList<>();
        for (ObjectStore.Stat stat : objects.list(RemoteNames.IMAGES)) {
            String id = id(stat);
            try {
                faults.addAll(verify(id));
            } catch (ImageException e) {
                if (objects.stat(stat.key()) != null) { // else it was deleted this moment
                    faults.add(objects.describe(stat.key()) + ": " + e.getMessage());
                }
            }
        }
        return faults;
    }

    @Override
    public void close() {
        objects.close();
    }
}
