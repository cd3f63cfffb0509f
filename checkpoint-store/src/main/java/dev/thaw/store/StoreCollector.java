package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ChunkIndex;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * One collection of a local store's garbage.
 *
 * <p>A pack that is mostly dead is rewritten as a sparse file of the same name: its live chunks stay at their positions, the dead ones become holes. So no image
 * changes, the swap is one rename, and whoever has the old file open goes on reading it.
 */
final class StoreCollector {
    /** In a draft's directory: the packs that it relies on. */
    static final String PACKS = "packs";

    private static final String LIVE = ".live";
    private static final int COPY = 1 << 20;

    /** A pack of which less than half is live: what to keep of it, by position. */
    record Sparse(Path pack, long size, TreeMap<Long, Integer> chunks, long live, long before) {}

    private final Path root;
    private final Set<String> named = new HashSet<>();
    private final Set<String> held = new HashSet<>();
    private final List<StoredImage> images = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private int files;
    private long bytes;
    private int rewritten;

    StoreCollector(Path root) {
        this.root = root;
    }

    Collected result() {
        return new Collected(files, bytes, rewritten, List.copyOf(problems));
    }

    /** Removes every file that nothing names. With the store's lock held. */
    void sweep() throws IOException {
        Scratch.removeDead(root, Duration.ZERO);
        for (Path aside : StoreFiles.list(root, ".*.json.new")) {
            StoreFiles.delete(aside); // of a replacement that did not come to its end
        }
        for (Path file : StoreFiles.list(root, "*.json")) {
            try {
                images.add(StoredImage.open(file, root, root));
            } catch (ImageException e) {
                problems.add(
                        "nothing is removed, since what it names is not known: " + e.getMessage());
            }
        }
        held.addAll(Lease.names(root));
        for (Path draft : Scratch.live(root)) {
            Path packs = draft.resolve(PACKS);
            if (Files.exists(packs)) {
                held.addAll(Files.readAllLines(packs, StandardCharsets.UTF_8));
            }
        }
        if (!problems.isEmpty()) {
            return;
        }
        named.addAll(held);
        for (StoredImage image : images) {
            Manifest manifest = image.manifest();
            named.add(manifest.meta().name());
            named.add(manifest.chunks().name());
            manifest.packs().forEach(pack -> named.add(pack.name()));
        }
        for (Path file : StoreFiles.list(root, "*.{pack,meta,chunks,live}")) {
            if (!named.contains(file.getFileName().toString().replace(LIVE, ".pack"))) {
                long size = Files.size(file);
                if (StoreFiles.delete(file)) {
                    files++;
                    bytes += size;
                }
            }
        }
    }

    /** The packs to rewrite: none that a draft or a lease relies on, since it may need chunks that no image names any more. With the store's lock held, after {@link #sweep}. */
    List<Sparse> sparse() throws IOException {
        if (!problems.isEmpty()) {
            return List.of();
        }
        Map<String, TreeMap<Long, Integer>> live = new HashMap<>();
        for (StoredImage image : images) {
            List<Manifest.FileRef> packs = image.manifest().packs();
            ChunkIndex index;
            try {
                index = image.chunkIndex();
            } catch (ImageException e) {
                problems.add(
                        "no pack is rewritten, since what is live is not known: " + e.getMessage());
                return List.of();
            }
            for (ChunkIndex.Entry entry : index.entries()) {
                if (entry.pack() < packs.size()) {
                    live.computeIfAbsent(packs.get(entry.pack()).name(), n -> new TreeMap<>())
                            .merge(entry.position(), entry.stored(), Math::max);
                }
            }
        }
        List<Sparse> sparse = new ArrayList<>();
        for (Map.Entry<String, TreeMap<Long, Integer>> pack : live.entrySet()) {
            Path file = root.resolve(pack.getKey());
            if (held.contains(pack.getKey()) || !Files.exists(file)) {
                continue;
            }
            long size = Files.size(file);
            long before = Math.min(size, keptBefore(file));
            long now = pack.getValue().values().stream().mapToLong(Integer::longValue).sum();
            if (now < before - now) {
                sparse.add(new Sparse(file, size, pack.getValue(), now, before));
            }
        }
        return sparse;
    }

    /** How much of a pack is there: all of it, unless it was rewritten. */
    private static long keptBefore(Path pack) throws IOException {
        try {
            return Long.parseLong(Files.readString(liveFile(pack)));
        } catch (NoSuchFileException | NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }

    private static Path liveFile(Path pack) {
        return pack.resolveSibling(pack.getFileName().toString().replace(".pack", LIVE));
    }

    /**
     * Copies what is live of a pack. Without the store's lock: an image that is finished meanwhile has only chunks that were live before, or its draft would have kept
     * the pack from being chosen.
     */
    Path rewrite(Sparse pack, Path directory) throws IOException {
        Path copy = directory.resolve(pack.pack().getFileName());
        StoreFiles.announce("create", copy);
        try (FileChannel in = FileChannel.open(pack.pack(), StandardOpenOption.READ);
                FileChannel out =
                        FileChannel.open(
                                copy,
                                StandardOpenOption.CREATE_NEW,
                                StandardOpenOption.SPARSE,
                                StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(COPY);
            for (Map.Entry<Long, Integer> chunk : pack.chunks().entrySet()) {
                long end = Math.min(pack.size(), chunk.getKey() + chunk.getValue());
                for (long at = chunk.getKey(); at < end; ) {
                    buffer.clear().limit((int) Math.min(COPY, end - at));
                    int count = in.read(buffer, at);
                    if (count < 0) {
                        break; // cut short, which verify tells of
                    }
                    out.position(at);
                    StoreFiles.write(out, copy, buffer.flip());
                    at += count;
                }
            }
            if (out.size() < pack.size()) {
                out.write(ByteBuffer.allocate(1), pack.size() - 1);
            }
        } catch (NoSuchFileException e) {
            return copy; // deleted meanwhile
        }
        StoreFiles.sync(copy);
        return copy;
    }

    /** Puts the copy in the pack's place, if that is still there. With the store's lock held. */
    void replace(Sparse pack, Path copy) throws IOException {
        if (!Files.exists(pack.pack()) || !Files.exists(copy)) {
            return;
        }
        StoreFiles.move(copy, pack.pack());
        StoreFiles.syncDirectory(root);
        StoreFiles.delete(liveFile(pack.pack()));
        StoreFiles.writeLoosely(
                liveFile(pack.pack()),
                String.valueOf(pack.live()).getBytes(StandardCharsets.UTF_8));
        rewritten++;
        bytes += pack.before() - pack.live();
    }
}
