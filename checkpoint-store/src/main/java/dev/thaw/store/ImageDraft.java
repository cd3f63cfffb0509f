package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.crypt.DataKey;
import dev.thaw.state.crypt.WrappedKey;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageFormat;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.image.PageMap;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * An image that is being written, in a directory aside. The sandbox writes {@link #pack} and {@link #meta} through descriptors; {@link #commit} then makes an
 * image of them, all at once. A draft that is closed without leaves nothing; one whose process died is removed by the next draft.
 */
public final class ImageDraft implements AutoCloseable {
    /** Puts a finished draft's files, synced and named as they will be, in their place; the manifest last. */
    interface Publisher {
        StoredImage publish(ImageDraft draft, Manifest manifest) throws IOException;

        /** Whether packs of other places can be taken over ({@link ImageDraft#foreignPacks}). */
        default boolean takesPacks() {
            return false;
        }

        /** Undoes what opening the draft did beside its directory. */
        void abandoned();
    }

    /** A chunk that the store has: in the pack of this name, of this size. */
    record Known(String pack, long packSize, ChunkIndex.Entry entry) {}

    private final String id = UUID.randomUUID().toString().replace("-", "").substring(0, 24);
    private final long start = System.nanoTime();
    private final Path directory;
    private final Scratch scratch;
    private final boolean listsKnown;
    private final Map<String, Path> foreignPacks = new TreeMap<>();
    private Map<ContentHash, Known> known;
    private @Nullable StoredImage parent;
    private final Publisher publisher;
    private List<String> cpuFeatures = CpuFeatures.ofHost();
    private boolean published;
    private @Nullable KeyRing keys;
    private @Nullable DataKey dataKey;
    private @Nullable WrappedKey encryption;
    private @Nullable ImageSigner signer;

    private ImageDraft(Scratch scratch, Map<ContentHash, Known> known, Publisher publisher) {
        this.scratch = scratch;
        this.directory = scratch.directory();
        this.known = known;
        this.listsKnown = !known.isEmpty();
        this.publisher = publisher;
    }

    /** Makes a draft directory in {@code parent}, after removing those of dead processes. */
    static ImageDraft open(Path parent, Map<ContentHash, Known> known, Publisher publisher)
            throws IOException {
        Scratch.removeDead(parent);
        Scratch scratch = Scratch.create(parent);
        ImageDraft draft = new ImageDraft(scratch, known, publisher);
        boolean done = false;
        try {
            if (!known.isEmpty()) {
                ByteBuffer hashes = ByteBuffer.allocate(known.size() * ContentHash.BYTES);
                for (ContentHash hash : new TreeMap<>(known).keySet()) {
                    hashes.put(hash.toBytes());
                }
                StoreFiles.writeLoosely(scratch.directory().resolve("known"), hashes.array());
            }
            done = true;
            return draft;
        } finally {
            if (!done) {
                draft.close();
            }
        }
    }

    /** The image's id-to-be. */
    public String id() {
        return id;
    }

    /**
     * Encrypts the image under the key {@code keyId} of {@code ring}, which stays the caller's and must stay open. With a data key of {@code relatives} if one can be had, so that they share chunks;
     * else with a new one.
     */
    public ImageDraft encrypt(KeyRing ring, String keyId, List<StoredImage> relatives) {
        DataKey key = null;
        for (StoredImage relative : relatives.reversed()) {
            WrappedKey theirs = relative.manifest().encryption();
            if (key == null && theirs != null && ring.has(theirs.keyId())) {
                try {
                    key = ring.unwrap(theirs);
                } catch (ImageException e) {
                    // of a key that only had the same name
                }
            }
        }
        key = key != null ? key : DataKey.random();
        keys = ring;
        dataKey = key;
        boolean done = false;
        try {
            encryption = ring.wrap(keyId, key);
            done = true;
            return this;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /**
     * Makes the image one that continues {@code image}: what did not change since is left to that one's chunks. To be called after {@link #encrypt}, since both must be under one data key.
     */
    public ImageDraft continueFrom(StoredImage image) {
        WrappedKey theirs = image.manifest().encryption();
        String domain = theirs == null ? "" : theirs.domain();
        if (!domain.equals(dataKey == null ? "" : dataKey.domain())) {
            throw new ImageException(
                    image + " is not encrypted with the same data key, so nothing can continue it");
        }
        Map<ContentHash, Known> all = new HashMap<>(known);
        List<Manifest.FileRef> packs = image.manifest().packs();
        try {
            for (ChunkIndex.Entry entry :
                    ChunkIndex.decode(Files.readAllBytes(image.chunks())).entries()) {
                if (all.containsKey(entry.hash())) {
                    continue;
                }
                if (!publisher.takesPacks() || entry.pack() >= packs.size()) {
                    throw new ImageException(
                            image
                                    + " is not an image of the same store, so nothing here can continue it");
                }
                Manifest.FileRef pack = packs.get(entry.pack());
                all.put(entry.hash(), new Known(pack.name(), pack.size(), entry));
                foreignPacks.put(pack.name(), image.packs().get(entry.pack()));
            }
        } catch (IOException e) {
            throw new ImageException(explain(e), e);
        }
        known = all;
        parent = image;
        return this;
    }

    /** The image that this one continues. */
    public @Nullable StoredImage parent() {
        return parent;
    }

    /** Where packs lie that are not in this place, by name. */
    Map<String, Path> foreignPacks() {
        return foreignPacks;
    }

    /** The image needs these CPU features, not all of this machine. */
    ImageDraft needs(List<String> features) {
        cpuFeatures = features;
        return this;
    }

    /** Says that the program relies on these CPU features at most (names as in /proc/cpuinfo), all of which this machine must have; else all that it has are taken for needed. */
    public ImageDraft relyOn(List<String> features) {
        List<String> missing = CpuFeatures.missing(features);
        if (!missing.isEmpty()) {
            throw new ImageException(
                    "this machine has no CPU features called " + String.join(" ", missing));
        }
        cpuFeatures = List.copyOf(new TreeSet<>(features));
        return this;
    }

    /** Signs the image when it is complete. */
    public ImageDraft sign(ImageSigner with) {
        signer = with;
        return this;
    }

    /** The data key for the process that writes the image; null: it is written in clear. The draft closes it. */
    public @Nullable DataKey dataKey() {
        return dataKey;
    }

    /** How the image is to be written. */
    ImageCodec codec() {
        return keys != null && dataKey != null
                ? keys.primitives().sealed(dataKey)
                : ImageCodec.plain();
    }

    /** Where the page pack goes; to be created by the caller, best with O_DIRECT. */
    public Path pack() {
        return directory.resolve(id + ".pack");
    }

    /** Where the meta file goes; to be created by the caller. */
    public Path meta() {
        return directory.resolve(id + ".meta");
    }

    /** A file of the sorted 32-byte hashes of chunks that need not be written; null when there are none. */
    public @Nullable Path known() {
        return listsKnown ? directory.resolve("known") : null;
    }

    Path directory() {
        return directory;
    }

    Path chunks() {
        return directory.resolve(id + ".chunks");
    }

    Path manifest() {
        return directory.resolve("manifest.json");
    }

    /** Makes the draft an image. When it throws, there is none. */
    public StoredImage commit(ImageFacts facts) throws IOException {
        ImageMeta meta;
        try (FileChannelSource source = new FileChannelSource(meta())) {
            meta = ImageMeta.read(source, codec());
        } catch (ImageException e) {
            throw new ImageException(meta() + " " + e.getMessage(), e);
        }
        long packSize = 0;
        Map<ContentHash, ChunkIndex.Entry> own = new HashMap<>();
        for (ChunkIndex.Entry entry : meta.index().entries()) {
            packSize = Math.max(packSize, entry.position() + entry.stored());
            own.put(entry.hash(), entry);
        }
        finishPack(packSize);

        List<Manifest.FileRef> packs = new ArrayList<>();
        Map<String, Integer> ordinals = new HashMap<>();
        if (packSize > 0) {
            packs.add(new Manifest.FileRef(id + ".pack", packSize, null));
            ordinals.put(id + ".pack", 0);
        }
        TreeMap<ContentHash, ChunkIndex.Entry> located = new TreeMap<>();
        for (PageMap.Entry page : meta.pageMap().entries()) {
            ChunkIndex.Entry entry = own.get(page.hash());
            if (entry == null) {
                Known there = known.get(page.hash());
                if (there == null) {
                    throw new ImageException(
                            meta() + " names a chunk that is nowhere: " + page.hash());
                }
                Integer ordinal = ordinals.get(there.pack);
                if (ordinal == null) {
                    ordinal = packs.size();
                    packs.add(new Manifest.FileRef(there.pack, there.packSize, null));
                    ordinals.put(there.pack, ordinal);
                }
                entry = there.entry.inPack(ordinal);
            }
            located.put(page.hash(), entry);
        }
        byte[] chunks = new ChunkIndex(List.copyOf(located.values())).encode();
        StoreFiles.write(chunks(), chunks);
        StoreFiles.sync(meta());

        long metaSize = Files.size(meta());
        long pages = meta.pageMap().pages();
        Manifest manifest =
                new Manifest(
                        ImageFormat.VERSION,
                        id,
                        Instant.now().truncatedTo(ChronoUnit.MILLIS),
                        facts.release(),
                        System.getProperty("os.arch", "amd64"),
                        cpuFeatures,
                        facts.kernelAbi(),
                        facts.platform(),
                        parent == null ? null : parent.id(),
                        facts.containers(),
                        facts.spec(),
                        facts.labels(),
                        new Manifest.Sizes(
                                pages,
                                pages * ImageFormat.PAGE,
                                located.size(),
                                own.size(),
                                packSize + metaSize + chunks.length),
                        new Manifest.Times(facts.pauseNanos(), System.nanoTime() - start),
                        new Manifest.FileRef(id + ".meta", metaSize, StoreFiles.hash(meta())),
                        new Manifest.FileRef(id + ".chunks", chunks.length, ContentHash.of(chunks)),
                        packs,
                        encryption);
        StoreFiles.write(manifest(), ManifestJson.encode(manifest, signer));
        StoreFiles.syncDirectory(directory);
        StoredImage image = publisher.publish(this, manifest);
        published = true;
        close();
        return image;
    }

    private void finishPack(long size) throws IOException {
        if (size == 0) {
            StoreFiles.delete(pack());
            return;
        }
        if (Files.size(pack()) < size) {
            throw new ImageException(pack() + " is cut short");
        }
        StoreFiles.truncate(pack(), size);
    }

    /** Removes what is left of the draft. */
    @Override
    public void close() {
        if (dataKey != null) {
            dataKey.close();
        }
        scratch.close();
        if (!published) {
            publisher.abandoned();
        }
    }

    /** One line of text for an error of the file system, with the file's name. */
    static String explain(IOException e) {
        return e instanceof FileSystemException f && f.getReason() != null
                ? f.getFile() + ": " + f.getReason()
                : e.toString();
    }
}
