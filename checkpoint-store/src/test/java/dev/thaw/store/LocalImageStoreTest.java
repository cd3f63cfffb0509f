package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
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
}
