package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.MemoryBound;
import dev.thaw.state.crypt.DataKey;
import dev.thaw.state.crypt.Primitives;
import dev.thaw.state.crypt.WrappedKey;
import dev.thaw.state.image.ByteSource;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ChunkReader;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.image.PageMap;
import dev.thaw.state.image.StateDump;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** An image that is complete. Every fault is an {@link ImageException} of one line that names the file. */
public final class StoredImage {
    private static final int MAX_SMALL_FILE = Integer.MAX_VALUE - 16;

    private final Path manifestFile;
    private final ManifestJson.Parsed parsed;
    private final Manifest manifest;
    private final Path files;
    private final Path packs;
    private final @Nullable KeyRing keys;
    private final ManifestKeeper keeper;

    /** Puts a changed manifest in the place of the one that the image has; returns the image with it. */
    interface ManifestKeeper {
        StoredImage replace(Manifest manifest, byte[] bytes) throws IOException;
    }

    StoredImage(
            Path manifestFile,
            ManifestJson.Parsed parsed,
            Path files,
            Path packs,
            @Nullable KeyRing keys,
            ManifestKeeper keeper) {
        this.manifestFile = manifestFile;
        this.parsed = parsed;
        this.manifest = parsed.manifest();
        this.files = files;
        this.packs = packs;
        this.keys = keys;
        this.keeper = keeper;
    }

    /** Reads the manifest in {@code manifestFile}; the image's files lie in {@code files}, page packs in {@code packs}. */
    static StoredImage open(Path manifestFile, Path files, Path packs) {
        return open(
                manifestFile,
                files,
                packs,
                (manifest, bytes) -> {
                    StoreFiles.replace(manifestFile, bytes);
                    return open(manifestFile, files, packs);
                });
    }

    /** As {@link #open(Path, Path, Path)}, with a manifest that {@code keeper} can change. */
    static StoredImage open(Path manifestFile, Path files, Path packs, ManifestKeeper keeper) {
        try {
            return new StoredImage(
                    manifestFile, ManifestJson.read(manifestFile), files, packs, null, keeper);
        } catch (NoSuchFileException e) {
            throw new ImageException(
                    "no image at " + manifestFile.getParent() + ": manifest.json is not there", e);
        } catch (IOException e) {
            throw new ImageException(ImageDraft.explain(e), e);
        }
    }

    /** The same image with the keys to read it. The ring stays the caller's. */
    public StoredImage with(KeyRing ring) {
        return new StoredImage(manifestFile, parsed, files, packs, ring, keeper);
    }

    /** Throws unless a key of {@code trust} signed the image. What that says of the files is checked by {@link #checkFiles}. */
    public void checkTrust(ImageTrust trust) {
        trust.check(manifestFile.toString(), parsed.root(), parsed.signature());
    }

    /** Whether the image is signed, by whomever. */
    public boolean isSigned() {
        return parsed.signature() != null;
    }

    /** The hash of all that the image is: the top of the tree of hashes. */
    public ContentHash root() {
        return parsed.root();
    }

    /** Whether everything in the image can be read: it is in clear, or its key is at hand. */
    public boolean isReadable() {
        WrappedKey encryption = manifest.encryption();
        return encryption == null || (keys != null && keys.has(encryption.keyId()));
    }

    /** How the image's bytes are stored; an {@link ImageException} when its key is not at hand. */
    public ImageCodec codec() {
        WrappedKey encryption = manifest.encryption();
        if (encryption == null) {
            return keys == null ? ImageCodec.plain() : keys.primitives().plain();
        }
        try {
            return ring().codec(encryption);
        } catch (ImageException e) {
            throw new ImageException(manifestFile + " " + e.getMessage(), e);
        }
    }

    /** The data key, for the process that is to restore the image; null when it is in clear. The caller closes it. */
    public @Nullable DataKey dataKey() {
        WrappedKey encryption = manifest.encryption();
        if (encryption == null) {
            return null;
        }
        try {
            return ring().unwrap(encryption);
        } catch (ImageException e) {
            throw new ImageException(manifestFile + " " + e.getMessage(), e);
        }
    }

    private KeyRing ring() {
        return keys == null ? KeyRing.read(null, null, () -> Primitives.JDK) : keys;
    }

    /** Wraps the data key under the key {@code to} instead, which makes it the one that the image needs. No chunk is written. */
    public StoredImage rekey(String to) throws IOException {
        StoredImage image;
        try (DataKey key = dataKey()) {
            if (key == null) {
                throw new ImageException(manifestFile + " is not encrypted");
            }
            byte[] changed =
                    ManifestJson.rewrap(
                            Files.readAllBytes(manifestFile),
                            manifestFile.toString(),
                            ring().wrap(to, key));
            image = keeper.replace(manifest, changed);
        }
        return keys == null ? image : image.with(keys);
    }

    public Manifest manifest() {
        return manifest;
    }

    public String id() {
        return manifest.id();
    }

    /** Kernel state and page map. */
    public Path meta() {
        return files.resolve(manifest.meta().name());
    }

    /** Where each chunk lies in {@link #packs}. */
    public Path chunks() {
        return files.resolve(manifest.chunks().name());
    }

    /** The page packs, in the order that {@link #chunks} counts them. */
    public List<Path> packs() {
        List<Path> paths = new ArrayList<>();
        for (Manifest.FileRef pack : manifest.packs()) {
            paths.add(packs.resolve(pack.name()));
        }
        return paths;
    }

    /** The manifest as it stands in its file. */
    public String inspect() {
        try {
            return Files.readString(manifestFile);
        } catch (IOException e) {
            throw unreadable(manifestFile, e);
        }
    }

    /** Writes the kernel state as JSON; {@code typeNames} may give record types a name, or null. */
    public void dump(IntFunction<@Nullable String> typeNames, Appendable out) throws IOException {
        ImageMeta read = readMeta();
        try {
            StateDump.write(read.state(), typeNames, out);
        } catch (ImageException e) {
            throw new ImageException(meta() + " " + e.getMessage(), e);
        }
    }

    /** Why this machine can not run the image: a line each, none when it can. */
    public List<String> hostFaults() {
        List<String> faults = new ArrayList<>();
        for (Runnable check : List.<Runnable>of(this::checkArch, this::checkCpu)) {
            try {
                check.run();
            } catch (ImageException e) {
                faults.add(String.valueOf(e.getMessage()));
            }
        }
        return faults;
    }

    /** Throws when this machine can not run the image. */
    public void checkHost() {
        checkArch();
        checkCpu();
    }

    private void checkArch() {
        if (!manifest.arch().equals(System.getProperty("os.arch"))) {
            throw new ImageException(
                    manifestFile
                            + " is of a "
                            + manifest.arch()
                            + " machine, this is "
                            + System.getProperty("os.arch"));
        }
    }

    private void checkCpu() {
        List<String> missing = CpuFeatures.missing(manifest.cpuFeatures());
        if (!missing.isEmpty()) {
            throw new ImageException(
                    manifestFile
                            + " needs CPU features that this machine lacks: "
                            + String.join(" ", missing));
        }
    }

    /** Throws when a file is missing, cut, or changed since it was written: hashes of the small files, checksums of the chunks. Needs no key; with one it also looks whether all chunks are there. */
    public void checkFiles() {
        check(false, null);
    }

    /** As {@link #checkFiles()}, but leaves out the packs that {@code verified} knows, and tells it of the others. */
    public void checkFiles(VerifiedFiles verified) {
        check(false, verified);
    }

    /** Tells {@code verified} of an image that was just written here. */
    public void markVerified(VerifiedFiles verified) {
        for (Path pack : packs()) {
            VerifiedFiles.Stamp stamp = VerifiedFiles.look(pack);
            if (stamp != null) {
                verified.add(root(), pack, stamp);
            }
        }
    }

    /** As {@link #checkFiles}, and every chunk must decompress to what its hash says. */
    public void verify() {
        check(true, null);
    }

    /** Everything that {@link #verify} would find, a line each; without the image's key, all that can be seen in stored bytes. */
    public List<String> faults() {
        List<FileChannelSource> opened = new ArrayList<>();
        try {
            return ImageAudit.faults(
                    manifest,
                    new ImageAudit.Opener() {
                        @Override
                        public ByteSource open(String name) throws IOException {
                            FileChannelSource source =
                                    new FileChannelSource(Path.of(describe(name)));
                            opened.add(source);
                            return source;
                        }

                        @Override
                        public String describe(String name) {
                            return (name.endsWith(".pack") ? packs : files)
                                    .resolve(name)
                                    .toString();
                        }
                    },
                    isReadable() ? codec() : null);
        } finally {
            close(opened);
        }
    }

    /** Kernel state and page map, when they are what the manifest says. */
    public ImageMeta readMeta() throws IOException {
        ImageCodec codec = codec();
        checkFile(meta(), manifest.meta());
        try (FileChannelSource source = new FileChannelSource(meta())) {
            return ImageMeta.read(source, codec);
        } catch (ImageException e) {
            throw new ImageException(meta() + " " + e.getMessage(), e);
        }
    }

    /** The image's chunks, to read. */
    public Chunks openChunks() throws IOException {
        List<FileChannelSource> sources = new ArrayList<>();
        boolean done = false;
        try {
            for (Path pack : packs()) {
                sources.add(new FileChannelSource(pack));
            }
            Chunks chunks =
                    new Chunks(
                            new ChunkReader(chunkIndex(), List.copyOf(sources), codec().chunks()),
                            sources);
            done = true;
            return chunks;
        } finally {
            if (!done) {
                close(sources);
            }
        }
    }

    /** A reader and the packs that it reads. */
    public static final class Chunks implements AutoCloseable {
        private final ChunkReader reader;
        private final List<FileChannelSource> packs;

        private Chunks(ChunkReader reader, List<FileChannelSource> packs) {
            this.reader = reader;
            this.packs = packs;
        }

        public ChunkReader reader() {
            return reader;
        }

        @Override
        public void close() {
            reader.close();
            StoredImage.close(packs);
        }
    }

    /** The manifest in {@code directory}, of which nothing else is looked at. */
    public static Manifest manifestIn(Path directory) {
        return ImageDirectory.open(directory).manifest();
    }

    /** Where the image's chunks lie. */
    public ChunkIndex chunkIndex() {
        checkFile(chunks(), manifest.chunks());
        try {
            MemoryBound.check(manifest.chunks().size(), "chunk index");
            return ChunkIndex.decode(Files.readAllBytes(chunks()));
        } catch (ImageException e) {
            throw new ImageException(chunks() + " " + e.getMessage(), e);
        } catch (IOException e) {
            throw unreadable(chunks(), e);
        }
    }

    private void check(boolean whole, @Nullable VerifiedFiles verified) {
        ImageCodec codec =
                whole || (manifest.encryption() != null && isReadable())
                        ? codec()
                        : ImageCodec.plain(); // which is not asked for hashes
        checkFile(meta(), manifest.meta());
        checkFile(chunks(), manifest.chunks());
        Path current = meta();
        List<FileChannelSource> sources = new ArrayList<>();
        try {
            PageMap map = null;
            if (whole || isReadable()) {
                try (FileChannelSource source = new FileChannelSource(current)) {
                    map = ImageMeta.read(source, codec).pageMap();
                }
            }
            current = chunks();
            MemoryBound.check(manifest.chunks().size(), "chunk index");
            ChunkIndex index = ChunkIndex.decode(Files.readAllBytes(current));
            for (int i = 0; i < manifest.packs().size(); i++) {
                current = packs().get(i);
                FileChannelSource source = new FileChannelSource(current);
                sources.add(source);
                if (source.size() < manifest.packs().get(i).size()) {
                    throw new ImageException(
                            "is cut short: "
                                    + source.size()
                                    + " of "
                                    + manifest.packs().get(i).size()
                                    + " bytes");
                }
            }
            VerifiedFiles.@Nullable Stamp[] unread =
                    new VerifiedFiles.@Nullable Stamp[sources.size()];
            boolean[] known = new boolean[sources.size()];
            for (int i = 0; verified != null && i < known.length; i++) {
                known[i] = verified.has(root(), packs().get(i));
                unread[i] = known[i] ? null : VerifiedFiles.look(packs().get(i));
            }
            try (ChunkReader reader =
                    new ChunkReader(index, List.copyOf(sources), codec.chunks())) {
                if (map != null) {
                    reader.checkComplete(map);
                }
                for (ChunkIndex.Entry entry : index.entries()) {
                    if (known[entry.pack()]) {
                        continue;
                    }
                    current = packs().get(entry.pack());
                    if (whole) {
                        reader.read(entry.hash());
                    }
                    reader.checkStored(entry.hash());
                }
            }
            for (int i = 0; verified != null && i < unread.length; i++) {
                VerifiedFiles.Stamp stamp = unread[i];
                if (stamp != null) {
                    verified.add(root(), packs().get(i), stamp);
                }
            }
        } catch (ImageException e) {
            throw String.valueOf(e.getMessage()).startsWith(current.toString())
                    ? e
                    : new ImageException(current + " " + e.getMessage(), e);
        } catch (IOException e) {
            throw unreadable(current, e);
        } finally {
            close(sources);
        }
    }

    private static void close(List<FileChannelSource> sources) {
        for (FileChannelSource source : sources) {
            try {
                source.close();
            } catch (IOException e) {
                // it was only read
            }
        }
    }

    private static void checkFile(Path file, Manifest.FileRef ref) {
        try {
            long size = Files.size(file);
            if (size != ref.size() || size > MAX_SMALL_FILE) {
                throw new ImageException(
                        file
                                + " is cut short or damaged: "
                                + size
                                + " of "
                                + ref.size()
                                + " bytes");
            }
            if (!StoreFiles.hash(file).equals(ref.hash())) {
                throw new ImageException(file + " is damaged: its hash differs");
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static ImageException unreadable(Path file, IOException e) {
        return new ImageException(
                e instanceof NoSuchFileException ? file + " is missing" : ImageDraft.explain(e), e);
    }

    @Override
    public String toString() {
        return manifestFile.toString();
    }
}
