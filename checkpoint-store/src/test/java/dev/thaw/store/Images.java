package dev.thaw.store;

import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.image.PagesWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes images of random memory, as a sandbox would. */
final class Images {
    /** Fills the {@code pages} of a memory of that many with bytes of {@code seed}; every third page stays zero. */
    static MemorySegment memory(int pages, long seed) {
        MemorySegment memory = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(pages * 4096));
        byte[] page = new byte[4096];
        for (int i = 0; i < pages; i++) {
            if (i % 3 != 0) {
                new Random(seed * 1000 + i).nextBytes(page);
                MemorySegment.copy(MemorySegment.ofArray(page), 0, memory, i * 4096L, 4096);
            }
        }
        return memory;
    }

    /** Pages that compress well, all different. */
    static MemorySegment dull(int pages) {
        MemorySegment memory = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(pages * 4096));
        for (int i = 0; i < pages; i++) {
            memory.asSlice(i * 4096L, 4096).fill((byte) (i + 1));
        }
        return memory;
    }

    /** Gives the pages from {@code first} to {@code end} other bytes. */
    static void change(MemorySegment memory, int first, int end, long seed) {
        memory.asSlice(first * 4096L, (end - first) * 4096L)
                .copyFrom(memory(end - first, seed).asSlice(0, (end - first) * 4096L));
    }

    static StoredImage commit(ImageDraft draft, MemorySegment memory) throws IOException {
        write(draft, memory);
        return draft.commit(
                new ImageFacts(
                        "0.1",
                        "linux-6.1",
                        "systrap",
                        List.of(new Manifest.Container("c", "h")),
                        "{\"root\":{}}",
                        Map.of("a", "b"),
                        5));
    }

    static void write(ImageDraft draft, MemorySegment memory) throws IOException {
        Set<ContentHash> known = new HashSet<>();
        if (draft.known() != null) {
            ByteBuffer hashes = ByteBuffer.wrap(Files.readAllBytes(draft.known()));
            while (hashes.hasRemaining()) {
                known.add(ContentHash.read(hashes));
            }
        }
        PagesWriter.Runs runs = new PagesWriter.Runs();
        runs.add(0, memory.byteSize());
        PagesWriter.Result result;
        try (FileChannel pack =
                FileChannel.open(
                        draft.pack(), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            result =
                    PagesWriter.write(
                            PagesWriter.Source.of(memory),
                            runs,
                            known,
                            (data, position) -> {
                                ByteBuffer bytes = data.asByteBuffer();
                                while (bytes.hasRemaining()) {
                                    position += pack.write(bytes, position);
                                }
                            },
                            draft.codec(),
                            2);
        }
        Files.write(
                draft.meta(),
                ImageMeta.encode(Forgery.state(), result.pageMap(), result.index(), draft.codec()));
    }

    /** An image of which only the manifest is looked at. */
    static StoredImage of(
            String id,
            Instant created,
            @Nullable String parent,
            Map<String, String> labels,
            Path directory) {
        return new StoredImage(
                directory.resolve(id),
                ManifestJson.decode(
                        ManifestJson.encode(
                                new Manifest(
                                        1,
                                        id,
                                        created,
                                        "r",
                                        "amd64",
                                        List.of(),
                                        "k",
                                        "p",
                                        parent,
                                        List.of(),
                                        "{}",
                                        labels,
                                        new Manifest.Sizes(0, 0, 0, 0, 0),
                                        new Manifest.Times(0, 0),
                                        new Manifest.FileRef(id + ".meta", 0, null),
                                        new Manifest.FileRef(id + ".chunks", 0, null),
                                        List.of(),
                                        null),
                                null),
                        id),
                directory,
                directory,
                null,
                (manifest, bytes) -> {
                    throw new AssertionError();
                });
    }

    /** Puts the manifest of an image in a local store that has the files of {@code parent}. */
    static StoredImage childOf(StoredImage parent, Path store) throws IOException {
        Manifest m = parent.manifest();
        String id = m.id() + "child";
        Manifest child =
                new Manifest(
                        m.formatVersion(),
                        id,
                        m.created().plusMillis(1),
                        m.release(),
                        m.arch(),
                        m.cpuFeatures(),
                        m.kernelAbi(),
                        m.platform(),
                        m.id(),
                        m.containers(),
                        m.spec(),
                        m.labels(),
                        m.sizes(),
                        m.times(),
                        m.meta(),
                        m.chunks(),
                        m.packs(),
                        m.encryption());
        Path file = store.resolve(id + ".json");
        Files.write(file, ManifestJson.encode(child, null));
        return StoredImage.open(file, store, store);
    }

    private Images() {}
}
