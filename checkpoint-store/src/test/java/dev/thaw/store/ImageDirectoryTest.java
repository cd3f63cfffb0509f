package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ImageDirectoryTest {
    @TempDir Path temp;

    @Test
    void anImageComesBackWholeAndReplacesTheOneBefore() throws IOException {
        Path directory = temp.resolve("image");
        StoredImage first = Images.commit(ImageDirectory.create(directory), Images.memory(200, 1));
        assertThat(first.manifest().sizes().pages()).isEqualTo(133);
        StoredImage second = Images.commit(ImageDirectory.create(directory), Images.memory(300, 2));
        StoredImage opened = ImageDirectory.open(directory);
        assertThat(opened.manifest()).isEqualTo(second.manifest());
        opened.verify();
        opened.checkHost();
        assertThat(StoreFiles.list(directory, "*")).hasSize(4);
    }

    @Test
    void aDraftThatIsGivenUpLeavesNothing() throws IOException {
        Path directory = temp.resolve("image");
        try (ImageDraft draft = ImageDirectory.create(directory)) {
            Images.write(draft, Images.memory(10, 1));
        }
        assertThat(directory).doesNotExist();
    }

    @Test
    void everyFlippedByteAndEveryCutIsFoundWithoutDecompressing() throws IOException {
        Path directory = temp.resolve("image");
        Images.commit(ImageDirectory.create(directory), Images.memory(3, 1));
        for (Path file : StoreFiles.list(directory, "*")) {
            byte[] original = Files.readAllBytes(file);
            for (int i = 0; i < original.length; i++) {
                byte[] flipped = original.clone();
                flipped[i] ^= (byte) (1 << i % 8);
                Files.write(file, flipped);
                assertRefused(directory, file);
            }
            for (int length = 0;
                    length < original.length;
                    length += Math.max(1, original.length / 50)) {
                Files.write(file, Arrays.copyOf(original, length));
                assertRefused(directory, file);
            }
            Files.delete(file);
            assertRefused(directory, file);
            Files.write(file, original);
        }
        ImageDirectory.open(directory).verify();
    }

    private static void assertRefused(Path directory, Path file) {
        assertThatThrownBy(() -> ImageDirectory.open(directory).checkFiles())
                .isInstanceOf(ImageException.class)
                .hasMessageContaining(file.getFileName().toString())
                .message()
                .doesNotContain("\n");
    }

    @Test
    void aNewerVersionAndAnotherMachineAreNamed() throws IOException {
        Path directory = temp.resolve("image");
        StoredImage image = Images.commit(ImageDirectory.create(directory), Images.memory(3, 1));
        Path file = directory.resolve("manifest.json");
        String text = Files.readString(file);
        Files.writeString(file, text.replace("\"formatVersion\" : 1,", "\"formatVersion\" : 2,"));
        assertThatThrownBy(() -> ImageDirectory.open(directory))
                .hasMessageContaining("has format version 2, this release reads 1");

        Manifest m = image.manifest();
        Manifest other =
                new Manifest(
                        1,
                        m.id(),
                        m.created(),
                        "r",
                        m.arch(),
                        List.of("sse2", "avx1024"),
                        "k",
                        "p",
                        null,
                        List.of(),
                        "{}",
                        m.labels(),
                        m.sizes(),
                        m.times(),
                        m.meta(),
                        m.chunks(),
                        m.packs(),
                        null);
        Files.write(file, ManifestJson.encode(other, null));
        assertThatThrownBy(() -> ImageDirectory.open(directory).checkHost())
                .hasMessageContaining("lacks: avx1024");
        assertThat(new String(ManifestJson.encode(m, null), StandardCharsets.UTF_8))
                .isEqualTo(text);
    }
}
