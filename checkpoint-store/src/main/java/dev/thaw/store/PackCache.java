package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ContentHash;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * What this machine has of the files of a remote store. Any number of processes use it at once.
 *
 * <pre>
 * files/X.meta, X.chunks   whole, checked by their hash when they came
 * files/X.pack             sparse, as long as the pack: the chunks that were asked for so far, each checked by its checksum when it came
 * files/X.pack.have        which those are: { long position | int stored bytes | int CRC-32C } little-endian, appended when their bytes are on the disk
 * manifests/               images' manifests
 * locks/                   one of these is held while a file is filled
 * .lease-X, .draft-X       as in a local store
 * </pre>
 *
 * <p>A chunk's hash is checked again, by the one who decodes it, before a guest sees its bytes.
 */
final class PackCache {
    private static final String HAVE = ".have";
    private static final int RECORD = 16;
    private static final int LOCKS = 64;

    private final Path root;
    private final Path files;
    private final long bound;
    private final ObjectStore objects;
    private final String prefix;
    private final PathLock lock;

    /** Objects have the key {@code prefix} + name; {@code bound} bytes are kept, and what leases name besides. */
    PackCache(Path root, long bound, ObjectStore objects, String prefix) throws IOException {
        StoreFiles.createDirectories(root.resolve("files"));
        StoreFiles.createDirectories(root.resolve("locks"));
        this.root = root.toRealPath();
        this.files = this.root.resolve("files");
        this.bound = bound;
        this.objects = objects;
        this.prefix = prefix;
        this.lock = new PathLock(this.root.resolve("lock"));
    }

    Path files() {
        return files;
    }

    /** Keeps the files of these names from being evicted, here or yet to come. */
    Lease lease(Collection<String> names) throws IOException {
        return lock.with(() -> Lease.take(root, names));
    }

    private PathLock lockOf(String name) {
        int slot = Math.floorMod(name.hashCode(), LOCKS);
        return new PathLock(root.resolve("locks").resolve(String.valueOf(slot)));
    }

    /** Brings a small file here whole. */
    void fetch(Manifest.FileRef file) throws IOException {
        lockOf(file.name())
                .with(
                        () -> {
                            Path target = files.resolve(file.name());
                            if (Files.exists(target) && Files.size(target) == file.size()) {
                                touch(target);
                                return target;
                            }
                            byte[] bytes = objects.get(prefix + file.name(), 1 << 30);
                            if (bytes.length != file.size()
                                    || !ContentHash.of(bytes).equals(file.hash())) {
                                throw new ImageException(
                                        objects.describe(prefix + file.name())
                                                + " is damaged: its hash differs");
                            }
                            StoreFiles.delete(target);
                            try (Scratch scratch = Scratch.create(root)) {
                                Path aside = scratch.directory().resolve(file.name());
                                StoreFiles.write(aside, bytes);
                                StoreFiles.move(aside, target);
                            }
                            return target;
                        });
    }

    /** Brings those of a pack's chunks here that are not. */
    void fetch(Manifest.FileRef pack, List<ChunkIndex.Entry> chunks) throws IOException {
        lockOf(pack.name())
                .with(
                        () -> {
                            Path target = files.resolve(pack.name());
                            Path have = files.resolve(pack.name() + HAVE);
                            Set<Here> here = Files.exists(target) ? here(have) : Set.of();
                            List<ChunkIndex.Entry> missing = new ArrayList<>();
                            for (ChunkIndex.Entry chunk : chunks) {
                                if (!here.contains(Here.of(chunk))) {
                                    missing.add(chunk);
                                }
                            }
                            fill(target, have, pack, missing);
                            touch(have);
                            return target;
                        });
    }

    private void fill(Path target, Path have, Manifest.FileRef pack, List<ChunkIndex.Entry> missing)
            throws IOException {
        if (!Files.exists(target)) {
            StoreFiles.delete(have);
        }
        ObjectStore.Stat stat = missing.isEmpty() ? null : objects.stat(prefix + pack.name());
        if (!missing.isEmpty() && (stat == null || stat.size() < pack.size())) {
            throw new ImageException(
                    objects.describe(prefix + pack.name())
                            + (stat == null
                                    ? " is missing"
                                    : " is cut short: "
                                            + stat.size()
                                            + " of "
                                            + pack.size()
                                            + " bytes"));
        }
        StoreFiles.announce("create", target);
        try (FileChannel out =
                FileChannel.open(target, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            if (out.size() < pack.size()) {
                out.write(ByteBuffer.allocate(1), pack.size() - 1);
            }
            RangeReader.read(
                    objects,
                    prefix + pack.name(),
                    missing,
                    (chunk, bytes) -> {
                        CRC32C crc = new CRC32C();
                        crc.update(bytes.duplicate());
                        if ((int) crc.getValue() != chunk.crc()) {
                            throw new ImageException(
                                    objects.describe(prefix + pack.name())
                                            + " chunk "
                                            + chunk.hash()
                                            + " is damaged: its checksum differs");
                        }
                        long at = chunk.position();
                        while (bytes.hasRemaining()) {
                            at += out.write(bytes, at);
                        }
                    });
            StoreFiles.announce("sync", target);
            out.force(false);
        }
        append(have, missing);
    }

    /** Takes a finished pack that was just uploaded, with all its chunks. */
    void adopt(Path pack, List<ChunkIndex.Entry> chunks) throws IOException {
        String name = pack.getFileName().toString();
        lockOf(name)
                .with(
                        () -> {
                            StoreFiles.delete(files.resolve(name + HAVE));
                            StoreFiles.move(pack, files.resolve(name));
                            append(files.resolve(name + HAVE), chunks);
                            return name;
                        });
    }

    /** Takes a small file that was just uploaded. */
    void adopt(Path file) throws IOException {
        StoreFiles.move(file, files.resolve(file.getFileName()));
    }

    private static void append(Path have, List<ChunkIndex.Entry> chunks) throws IOException {
        ByteBuffer records =
                ByteBuffer.allocate(chunks.size() * RECORD).order(ByteOrder.LITTLE_ENDIAN);
        for (ChunkIndex.Entry chunk : chunks) {
            records.putLong(chunk.position()).putInt(chunk.stored()).putInt(chunk.crc());
        }
        records.flip();
        StoreFiles.announce("create", have);
        try (FileChannel out =
                FileChannel.open(have, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            out.position(out.size() / RECORD * RECORD); // a record that was cut off is overwritten
            StoreFiles.write(out, have, records);
        }
    }

    private static ByteBuffer records(Path have) throws IOException {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(have));
            return bytes.limit(bytes.capacity() / RECORD * RECORD).order(ByteOrder.LITTLE_ENDIAN);
        } catch (NoSuchFileException e) {
            return ByteBuffer.allocate(0);
        }
    }

    /** A record: all of it must be the chunk's, since a machine that lost its power may leave zeros. */
    private record Here(long position, int stored, int crc) {
        static Here of(ChunkIndex.Entry chunk) {
            return new Here(chunk.position(), chunk.stored(), chunk.crc());
        }
    }

    private static Set<Here> here(Path have) throws IOException {
        Set<Here> here = new HashSet<>();
        ByteBuffer in = records(have);
        while (in.hasRemaining()) {
            here.add(new Here(in.getLong(), in.getInt(), in.getInt()));
        }
        return here;
    }

    private static long kept(Path have) throws IOException {
        long bytes = 0;
        for (ByteBuffer in = records(have); in.hasRemaining(); in.getInt()) {
            in.getLong();
            bytes += in.getInt();
        }
        return bytes;
    }

    private static void touch(Path file) throws IOException {
        if (Files.exists(file)) {
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
        }
    }

    private record Kept(Path file, long bytes, FileTime used) {}

    /** Removes what was used longest ago until the bound is kept; nothing that a lease names. */
    void evict() throws IOException {
        lock.with(
                () -> {
                    Scratch.removeDead(root);
                    Set<String> leased = Lease.names(root);
                    List<Kept> all = new ArrayList<>();
                    long total = 0;
                    for (Path file : StoreFiles.list(files, "*")) {
                        Kept kept = kept(file, leased);
                        total += kept.bytes;
                        all.add(kept);
                    }
                    all.sort(Comparator.comparing(Kept::used));
                    for (Kept kept : all) {
                        String name = kept.file.getFileName().toString().replace(HAVE, "");
                        if (total > bound && kept.bytes > 0 && !leased.contains(name)) {
                            StoreFiles.delete(kept.file);
                            StoreFiles.delete(files.resolve(name));
                            total -= kept.bytes;
                        }
                    }
                    return total;
                });
    }

    /** A pack counts with its record, since only that says how much of it is here; one without a record is of no use. */
    private Kept kept(Path file, Set<String> leased) throws IOException {
        String name = file.getFileName().toString();
        FileTime used;
        long bytes;
        try {
            used = Files.getLastModifiedTime(file);
            bytes = name.endsWith(HAVE) ? kept(file) : Files.size(file);
        } catch (NoSuchFileException e) {
            return new Kept(file, 0, FileTime.fromMillis(0));
        }
        if (name.endsWith(".pack")) {
            if (!leased.contains(name) && !Files.exists(files.resolve(name + HAVE))) {
                StoreFiles.delete(file);
            }
            bytes = 0;
        }
        return new Kept(file, bytes, used);
    }
}
