package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.state.ImageException;
import dev.thaw.store.archive.ImageArchive;
import dev.thaw.store.archive.OciLayout;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images that leave as one file and come in elsewhere. */
final class ImageArchiveTest {
    @TempDir Path temp;
    private byte[] archive = new byte[0];
    private StoredImage image;

    @BeforeEach
    void make() throws IOException {
        Path directory = temp.resolve("image");
        Images.commit(ImageDirectory.create(directory), Images.dull(70));
        image = ImageDirectory.open(directory);
        archive = export(image);
    }

    private static byte[] export(StoredImage image) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageArchive.write(image, out);
        return out.toByteArray();
    }

    private static ImageStore.Filler filler(byte[] archive) {
        return directory -> ImageArchive.read(new ByteArrayInputStream(archive), directory);
    }

    @Test
    void anArchiveComesBackByteForByte() throws IOException {
        Path target = temp.resolve("again");
        Forgery.restore(ImageDirectory.adopt(target, filler(archive)));
        for (Path file : StoreFiles.list(target, "*")) {
            assertThat(file)
                    .hasSameBinaryContentAs(temp.resolve("image").resolve(file.getFileName()));
        }
        assertThat(export(ImageDirectory.open(target))).isEqualTo(archive);
        assertThatThrownBy(() -> ImageDirectory.adopt(target, filler(archive)))
                .hasMessageContaining("holds an image already");
    }

    @Test
    void onlyTheImagesOwnChunksLeaveAStore() throws IOException {
        LocalImageStore store = new LocalImageStore(temp.resolve("store"));
        MemorySegment memory = Images.memory(256, 1);
        StoredImage first = Images.commit(store.begin(), memory);
        memory.asSlice(0, 3 * 64 * 4096).fill((byte) 0);
        memory.set(ValueLayout.JAVA_INT, 4096, 7);
        StoredImage second = Images.commit(store.begin(), memory);
        assertThat(second.manifest().packs()).hasSize(2);

        StoredImage alone = ImageDirectory.adopt(temp.resolve("alone"), filler(export(second)));
        Forgery.restore(alone);
        alone.verify();
        assertThat(alone.root()).isEqualTo(second.root());
        byte[] whole = Files.readAllBytes(first.packs().getFirst());
        byte[] left = Files.readAllBytes(temp.resolve("alone").resolve(first.id() + ".pack"));
        assertThat(left).hasSameSizeAs(whole);
        int same = 0;
        int zero = 0;
        for (int i = 0; i < whole.length; i++) {
            same += whole[i] == left[i] ? 1 : 0;
            zero += left[i] == 0 ? 1 : 0;
        }
        assertThat(same).isLessThan(whole.length / 2);
        assertThat(zero).isGreaterThan(whole.length / 2);

        LocalImageStore other = new LocalImageStore(temp.resolve("other"));
        assertThat(other.adopt(filler(export(second))).id()).isEqualTo(second.id());
        assertThat(other.verify()).isEmpty();
        assertThatThrownBy(() -> other.adopt(filler(export(second))))
                .hasMessageContaining("already");
        assertThatThrownBy(() -> other.adopt(filler(export(first))))
                .hasMessageContaining("there with other content");
        assertThat(other.verify()).isEmpty();
        assertThat(other.list()).hasSize(1);
    }

    @Test
    void cutsAndFlippedBytesAreRefusedAndLeavesNothing() throws IOException {
        Path target = temp.resolve("target");
        for (int length = 0; length < archive.length - 1024; length += 31) {
            refuse(target, Arrays.copyOf(archive, length));
        }
        int meant = 0; // a header's field that nobody needs, and what fills blocks, may differ
        int tried = 0;
        for (int i = 0; i < archive.length; i += 5, tried++) {
            byte[] forged = archive.clone();
            forged[i] ^= (byte) (1 << i % 8);
            if (isRefused(target, forged)) {
                meant++;
            } else {
                StoreFiles.deleteTree(target, "manifest.json");
            }
        }
        assertThat(meant).isGreaterThan(tried / 2);
    }

    private static boolean isRefused(Path target, byte[] forged) {
        try {
            Forgery.restore(ImageDirectory.adopt(target, filler(forged)));
            return false;
        } catch (ImageException e) {
            assertThat(target).doesNotExist();
            return true;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void refuse(Path target, byte[] forged) {
        assertThat(isRefused(target, forged)).isTrue();
    }

    /** A tar header with another name, type or size, and its checksum right. */
    private byte[] header(int at, String text) {
        byte[] forged = archive.clone();
        int start = second();
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(bytes, 0, forged, start + at, bytes.length);
        Arrays.fill(forged, start + 148, start + 156, (byte) ' ');
        int sum = 0;
        for (int i = start; i < start + 512; i++) {
            sum += forged[i] & 0xff;
        }
        byte[] octal = "%06o\0 ".formatted(sum).getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(octal, 0, forged, start + 148, 8);
        return forged;
    }

    /** Where the header of the file behind the manifest is. */
    private int second() {
        long size = image.inspect().length();
        return 512 + (int) ((size + 511) / 512 * 512);
    }

    @Test
    void hostileEntriesAreRefused() {
        Path target = temp.resolve("target");
        for (String name :
                List.of("../evil\0", "/tmp/evil\0", "evil\0", "manifest.json\0", ".\0")) {
            refuse(target, header(0, name));
        }
        for (String type : List.of("1", "2", "3", "4", "5", "6", "x", "g", "L")) {
            refuse(target, header(156, type));
        }
        for (String size : List.of("00000000000\0", "77777777777\0", "-1\0", "99999999999\0")) {
            refuse(target, header(124, size));
        }
        refuse(target, header(124, "\u0080\0\0\0\u007f" + "\u00ff".repeat(7)));
        refuse(target, header(124, "\u00ff".repeat(12)));
        assertThat(temp.resolve("evil")).doesNotExist();
    }

    @Test
    void anOciLayoutComesBackAsDirectoryAndAsTar() throws IOException {
        Path layout = temp.resolve("layout");
        OciLayout.write(image, layout);
        StoredImage again =
                ImageDirectory.adopt(
                        temp.resolve("fromLayout"), directory -> OciLayout.read(layout, directory));
        assertThat(again.root()).isEqualTo(image.root());
        Forgery.restore(again);
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        OciLayout.writeTar(image, temp.resolve("scratch"), tar);
        Forgery.restore(ImageDirectory.adopt(temp.resolve("fromTar"), filler(tar.toByteArray())));

        for (Path blob : StoreFiles.list(layout.resolve("blobs/sha256"), "*")) {
            byte[] bytes = Files.readAllBytes(blob);
            byte[] forged = bytes.clone();
            forged[forged.length / 2] ^= 1;
            Files.write(blob, forged);
            assertThatThrownBy(
                            () ->
                                    ImageDirectory.adopt(
                                            temp.resolve("never"),
                                            directory -> OciLayout.read(layout, directory)))
                    .isInstanceOf(ImageException.class);
            Files.delete(blob);
            Files.createSymbolicLink(blob, Path.of("/etc/passwd"));
            assertThatThrownBy(
                            () ->
                                    ImageDirectory.adopt(
                                            temp.resolve("never"),
                                            directory -> OciLayout.read(layout, directory)))
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining("lacks blob");
            Files.delete(blob);
            Files.write(blob, bytes);
        }
        assertThat(temp.resolve("never")).doesNotExist();
    }
}
