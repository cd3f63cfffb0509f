package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LocalImageStoreTest {
    @TempDir Path root;

    private LocalImageStore store;

    @BeforeEach
    void open() throws IOException {
        store = new LocalImageStore(root);
    }

    @Test
    void equalChunksAreStoredOnceAndOutliveTheirFirstImage() throws IOException {
        MemorySegment memory = Images.memory(256, 1);
        StoredImage first = Images.commit(store.begin(), memory);
        memory.set(java.lang.foreign.ValueLayout.JAVA_INT, 4096, 77); // one page of one chunk
        StoredImage second = Images.commit(store.begin(), memory);
        StoredImage third = Images.commit(store.begin(), memory);
        assertThat(first.manifest().sizes().newChunks()).isEqualTo(4);
        assertThat(second.manifest().sizes().newChunks()).isEqualTo(1);
        assertThat(third.manifest().sizes().newChunks()).isZero();
        assertThat(third.manifest().packs()).hasSize(2);
        assertThat(store.list())
                .extracting(StoredImage::id)
                .containsExactly(first.id(), second.id(), third.id());

        store.delete(first.id());
        store.delete(second.id());
        assertThatThrownBy(() -> store.get(first.id()))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining(first.id());
        assertThat(store.verify()).isEmpty();
        store.get(third.id()).verify();
        store.delete(third.id());
        assertThat(StoreFiles.list(root, "*"))
                .extracting(p -> p.getFileName().toString())
                .containsExactly("lock");
    }

    @Test
    void aDraftKeepsThePacksItReliesOnWhileTheirImageIsDeleted() throws IOException {
        MemorySegment memory = Images.memory(64, 1);
        StoredImage first = Images.commit(store.begin(), memory);
        ImageDraft draft = store.begin();
        store.delete(first.id());
        StoredImage second = Images.commit(draft, memory);
        assertThat(second.manifest().sizes().newChunks()).isZero();
        second.verify();
    }

    @Test
    void whatACrashLeavesGoesWithTheNextDeletionAndHarmsNobody() throws IOException {
        StoredImage image = Images.commit(store.begin(), Images.memory(64, 1));
        Files.write(root.resolve("dead0.pack"), new byte[9]);
        Files.write(root.resolve("dead0.meta"), new byte[9]);
        Path draft = Files.createDirectory(root.resolve(".draft-dead"));
        Files.createFile(draft.resolve("lock"));
        assertThat(store.verify()).isEmpty();
        Images.commit(store.begin(), Images.memory(64, 2));
        assertThat(draft).doesNotExist();
        store.delete(image.id());
        assertThat(root.resolve("dead0.pack")).doesNotExist();
        assertThat(root.resolve("dead0.meta")).doesNotExist();
        assertThat(store.verify()).isEmpty();
    }

    @Test
    void aDamagedChunkIsFound() throws IOException {
        StoredImage image = Images.commit(store.begin(), Images.memory(64, 1));
        byte[] pack = Files.readAllBytes(image.packs().getFirst());
        pack[pack.length / 2] ^= 4;
        Files.write(image.packs().getFirst(), pack);
        assertThat(store.verify())
                .singleElement()
                .asString()
                .contains(image.packs().getFirst().toString(), "damaged");
    }

    @Test
    void everyFaultIsNamed() throws IOException {
        StoredImage first = Images.commit(store.begin(), Images.memory(256, 1));
        StoredImage second = Images.commit(store.begin(), Images.memory(256, 2));
        byte[] pack = Files.readAllBytes(first.packs().getFirst());
        pack[1000] ^= 4;
        pack[pack.length - 1000] ^= 4;
        Files.write(first.packs().getFirst(), pack);
        Files.delete(second.meta());
        Files.delete(second.packs().getFirst());
        assertThat(store.verify())
                .hasSize(4)
                .anyMatch(fault -> fault.equals(second.meta() + " is missing"))
                .anyMatch(fault -> fault.equals(second.packs().getFirst() + " is missing"))
                .filteredOn(fault -> fault.startsWith(first.packs().getFirst() + " chunk"))
                .hasSize(2);
    }

    @Test
    void aPackThatIsMostlyDeadGivesItsSpaceBackWhileOthersReadIt()
            throws IOException, InterruptedException {
        MemorySegment memory = Images.memory(1024, 1);
        StoredImage first = Images.commit(store.begin(), memory);
        Images.change(memory, 128, 1024, 2);
        StoredImage second = Images.commit(store.begin(), memory);
        Path pack = first.packs().getFirst();
        long before = blocks(pack);
        ImageDraft draft = store.begin(); // may still name chunks of the first
        store.delete(first.id());
        assertThat(store.collect().rewritten()).isZero();
        StoredImage third = Images.commit(draft, Images.memory(1024, 1));
        assertThat(third.manifest().sizes().newChunks()).isZero();
        store.delete(third.id());
        try (ImageLease lease = store.open(second.id())) {
            assertThat(store.collect().rewritten()).isZero();
            lease.image().verify();
        }
        try (FileChannelSource reader = new FileChannelSource(pack)) {
            Collected done = store.collect();
            assertThat(done.rewritten()).isEqualTo(1);
            assertThat(blocks(pack)).isLessThan(before / 4);
            assertThat(Files.size(pack)).isEqualTo(reader.size());
            assertThat(done.bytes()).isGreaterThan(reader.size() / 2);
        }
        assertThat(store.collect().rewritten()).isZero();
        second.verify();
        assertThat(store.verify()).isEmpty();
    }

    private static long blocks(Path file) throws IOException, InterruptedException {
        Process stat = new ProcessBuilder("stat", "-c", "%b", file.toString()).start();
        String text = new String(stat.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(stat.waitFor()).isZero();
        return Long.parseLong(text.strip());
    }

    @Test
    void aLeaseKeepsWhatIsDeleted() throws IOException {
        StoredImage image = Images.commit(store.begin(), Images.memory(64, 1));
        try (ImageLease lease = store.open(image.id())) {
            store.delete(image.id());
            store.collect();
            lease.image().verify();
        }
        store.collect();
        assertThat(image.packs().getFirst()).doesNotExist();
    }

    @Test
    void nothingIsCollectedBesideAManifestThatCanNotBeRead() throws IOException {
        StoredImage first = Images.commit(store.begin(), Images.memory(64, 1));
        StoredImage second = Images.commit(store.begin(), Images.memory(64, 2));
        Files.writeString(root.resolve(first.id() + ".json"), "{");
        assertThat(store.verify()).singleElement().asString().contains(first.id() + ".json");
        store.delete(second.id());
        assertThat(store.collect().problems()).singleElement().asString().contains(first.id());
        assertThat(first.packs().getFirst()).exists();
        assertThat(second.packs().getFirst()).exists();
    }

    @Test
    void aParentIsNotDeletedUnderItsChildrenAndRetentionKeepsIt() throws IOException {
        StoredImage parent = Images.commit(store.begin(), Images.memory(64, 1));
        StoredImage child = Images.childOf(parent, root);
        assertThatThrownBy(() -> store.delete(parent.id()))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining(child.id());
        Instant later = child.manifest().created().plusSeconds(1);
        assertThat(store.retain(new RetentionPolicy(1, null, Map.of()), later)).isEmpty();
        StoredImage newest = Images.commit(store.begin(), Images.memory(64, 2));
        assertThat(store.retain(new RetentionPolicy(1, null, Map.of()), later))
                .containsExactly(child.id(), parent.id());
        assertThat(store.list()).extracting(StoredImage::id).containsExactly(newest.id());
        assertThat(store.verify()).isEmpty();
        Images.childOf(parent, root);
        assertThat(store.verify())
                .anyMatch(fault -> fault.endsWith("has a parent that is gone: " + parent.id()));
    }
}
