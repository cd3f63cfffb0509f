package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.thaw.state.ImageException;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageFormat;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an image that was damaged or forged gets: one line that says why, and little memory. */
final class ImageAttackTest {
    /** What one refusal may allocate in all. */
    private static final long MEMORY = 16 << 20;

    @TempDir Path temp;
    private Path directory = Path.of("");

    @BeforeEach
    void make() throws IOException {
        directory = temp.resolve("image");
        Images.commit(ImageDirectory.create(directory), Images.dull(70));
        Forgery.restore(ImageDirectory.open(directory));
    }

    private ImageException refusal() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        try {
            Forgery.restore(ImageDirectory.open(directory));
        } catch (ImageException e) {
            assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(MEMORY);
            assertThat(e.getMessage()).isNotEmpty().doesNotContain("\n");
            return e;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("the image was taken");
    }

    private List<Path> files() throws IOException {
        return StoreFiles.list(directory, "*");
    }

    @Test
    void everyFlippedByteIsRefused() throws IOException {
        for (Path file : files()) {
            byte[] bytes = Files.readAllBytes(file);
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] ^= (byte) (1 << i % 8);
                Files.write(file, bytes);
                refusal();
                bytes[i] ^= (byte) (1 << i % 8);
            }
            Files.write(file, bytes);
        }
        Forgery.restore(ImageDirectory.open(directory));
    }

    @Test
    void everyCutIsRefused() throws IOException {
        for (Path file : files()) {
            byte[] bytes = Files.readAllBytes(file);
            for (int length = 0; length < bytes.length; length++) {
                Files.write(file, Arrays.copyOf(bytes, length));
                refusal();
            }
            Files.write(file, bytes);
        }
    }

    /** The hashes of files, header and manifest are made right each time: only the decoders stand in the way. */
    @Test
    void everyFlippedByteUnderRightHashesIsRefusedOrHarmless() throws IOException {
        byte[] meta = Files.readAllBytes(ImageDirectory.open(directory).meta());
        byte[] chunks = Files.readAllBytes(ImageDirectory.open(directory).chunks());
        int refused = 0;
        for (int i = 0; i < meta.length + chunks.length; i++) {
            boolean inMeta = i < meta.length;
            byte[] forged = (inMeta ? meta : chunks).clone();
            forged[inMeta ? i : i - meta.length] ^= (byte) (1 << i % 8);
            if (inMeta) {
                Forgery.meta(directory, forged);
            } else {
                Forgery.chunks(directory, forged);
            }
            try {
                Forgery.restore(ImageDirectory.open(directory));
            } catch (ImageException e) {
                assertThat(e.getMessage()).doesNotContain("\n");
                refused++;
            }
            if (inMeta) {
                Forgery.meta(directory, meta.clone());
            } else {
                Forgery.chunks(directory, chunks);
            }
        }
        // Harmless: a byte of the header's hash, which is made right; the checksum of a chunk is
        // not.
        assertThat(refused).isGreaterThan(meta.length + chunks.length - 32 - 8);
    }

    @Test
    void everyFlippedByteOfASectionUnderRightHashesIsRefusedOrHarmless() throws IOException {
        byte[] meta = Files.readAllBytes(ImageDirectory.open(directory).meta());
        int refused = 0;
        for (int number = 0; number < 3; number++) {
            int section = number;
            int length =
                    (int)
                            ByteBuffer.wrap(meta)
                                    .order(ByteOrder.LITTLE_ENDIAN)
                                    .getLong(24 + 48 * number + 8);
            for (int i = 0; i < 8 * length; i++) {
                int bit = i;
                Forgery.section(
                        directory,
                        section,
                        old -> {
                            byte[] forged = old.clone();
                            forged[bit / 8] ^= (byte) (1 << bit % 8);
                            return forged;
                        });
                try {
                    Forgery.restore(ImageDirectory.open(directory));
                } catch (ImageException e) {
                    assertThat(e.getMessage()).doesNotContain("\n");
                    refused++;
                }
                Forgery.meta(directory, meta.clone());
            }
        }
        assertThat(refused).isGreaterThan(meta.length);
    }

    private static ChunkIndex.Entry changed(
            ChunkIndex.Entry e, long position, int stored, int raw, int pack) {
        return new ChunkIndex.Entry(e.hash(), position, stored, raw, e.crc(), pack);
    }

    @Test
    void chunksThatLieNowhereOrAreSwappedAreRefused() throws IOException {
        ChunkIndex index = ImageDirectory.open(directory).chunkIndex();
        ChunkIndex.Entry a = index.entries().get(0);
        ChunkIndex.Entry b = index.entries().get(1);
        long[] positions = {-1, Long.MAX_VALUE, Long.MAX_VALUE - 1, Long.MIN_VALUE, 1L << 62, 1};
        for (long position : positions) {
            forge(index, changed(a, position, a.stored(), a.raw(), 0), b);
        }
        for (int stored : new int[] {0, -1, Integer.MAX_VALUE, ImageFormat.MAX_STORED + 1, 1}) {
            forge(index, changed(a, a.position(), stored, a.raw(), 0), b);
        }
        for (int raw : new int[] {0, -4096, 1, Integer.MAX_VALUE, ImageFormat.CHUNK + 4096}) {
            forge(index, changed(a, a.position(), a.stored(), raw, 0), b);
        }
        for (int pack : new int[] {1, -1, Integer.MAX_VALUE}) {
            forge(index, changed(a, a.position(), a.stored(), a.raw(), pack), b);
        }
        forge(index, b, a); // out of order
        forge(index, a, a); // twice
        forge(index, a); // one is missing
        forge(
                index, // each at the other's place, with the other's checksum
                new ChunkIndex.Entry(a.hash(), b.position(), b.stored(), a.raw(), b.crc(), 0),
                new ChunkIndex.Entry(b.hash(), a.position(), a.stored(), b.raw(), a.crc(), 0));
    }

    private void forge(ChunkIndex original, ChunkIndex.Entry... entries) throws IOException {
        Forgery.chunks(directory, new ChunkIndex(List.of(entries)).encode());
        refusal();
        Forgery.chunks(directory, original.encode());
    }

    @Test
    void sectionsAndSizesThatCanNotBeAreRefused() throws IOException {
        byte[] meta = Files.readAllBytes(ImageDirectory.open(directory).meta());
        long[] numbers = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 62, 1L << 40, 1 << 30, 0, 199};
        for (int at : new int[] {16, 24, 32, 72, 80, 120, 128}) {
            for (long number : numbers) {
                byte[] forged = meta.clone();
                ByteBuffer.wrap(forged).order(ByteOrder.LITTLE_ENDIAN).putLong(at, number);
                Forgery.meta(directory, forged);
                refusal();
            }
        }
        Forgery.meta(directory, Arrays.copyOf(meta, meta.length + 1));
        assertThat(refusal()).hasMessageContaining("bytes too many");
        Forgery.meta(directory, Arrays.copyOf(meta, 100));
        refusal();
    }

    @Test
    void pageMapsThatAreNoneAreRefused() throws IOException {
        byte[] map = {1, 2, 3};
        Forgery.section(directory, 1, _ -> map);
        assertThat(refusal()).hasMessageContaining("page map");
        make2("again");
        Forgery.section(directory, 1, old -> concat(old, old)); // each stretch twice
        refusal();
        make2("third");
        Forgery.section(
                directory,
                1,
                old -> {
                    byte[] forged = old.clone();
                    Arrays.fill(forged, forged.length - 32, forged.length, (byte) 7);
                    return forged;
                });
        assertThat(refusal())
                .hasMessageContaining(
                        new ContentHash(
                                        0x0707070707070707L,
                                        0x0707070707070707L,
                                        0x0707070707070707L,
                                        0x0707070707070707L)
                                .toString());
    }

    private void make2(String name) throws IOException {
        directory = temp.resolve(name);
        Images.commit(ImageDirectory.create(directory), Images.dull(70));
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    static Stream<String> names() {
        return Stream.of("../x", "/etc/passwd", "a/b", "..", "", ".hidden", "x\u0000y");
    }

    @Test
    void manifestsThatNameFilesElsewhereAreRefused() throws IOException {
        String id = ImageDirectory.open(directory).id();
        String text = Files.readString(directory.resolve("manifest.json"));
        for (String name : names().toList()) {
            for (String kind : List.of(".meta", ".chunks", ".pack")) {
                Forgery.text(
                        directory,
                        t -> t.replace("\"" + id + kind, "\"" + name.replace("\0", "\\u0000")));
                refusal();
                Files.writeString(directory.resolve("manifest.json"), text);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "9223372036854775808",
                "-1",
                "1e400",
                "9223372036854775807",
                "1.5",
                "null",
                "\"7\"",
                "[]"
            })
    void manifestsWithSizesThatCanNotBeAreRefused(String size) throws IOException {
        String text = Files.readString(directory.resolve("manifest.json"));
        int from = 0;
        for (int at = text.indexOf("\"size\" : ", from);
                at >= 0;
                at = text.indexOf("\"size\" : ", from)) {
            from = at + 9;
            int start = from;
            Forgery.text(
                    directory,
                    t ->
                            t.substring(0, start)
                                    + size
                                    + t.substring(start).replaceFirst("[0-9]+", ""));
            refusal();
            Files.writeString(directory.resolve("manifest.json"), text);
        }
    }

    @Test
    void manifestsThatAreDeepLongOrTwofoldAreRefused() throws IOException {
        String text = Files.readString(directory.resolve("manifest.json"));
        Path file = directory.resolve("manifest.json");
        String[] members = {
            "\"labels\" : " + "[".repeat(200_000),
            "\"labels\" : " + "{\"a\":".repeat(5_000) + "1" + "}".repeat(5_000),
            "\"id\" : \"other\",\n  \"id\" : \"other\"",
            "\"created\" : \"yesterday\"",
            "\"formatVersion\" : 99999999999999999999",
            "\"x\" : " + "1".repeat(500_000)
        };
        for (String member : members) {
            Files.writeString(
                    file,
                    Forgery.sealed(
                            text.replaceFirst("\\{", "{\n  " + member.replace("\\", "") + ",")));
            refusal();
        }
        Files.writeString(file, text + " ".repeat(2 << 20));
        assertThat(refusal()).hasMessageContaining("too long");
        Files.writeString(
                file,
                Forgery.sealed(
                        text.replace(
                                "\"encryption\" : null",
                                "\"encryption\" : null,\n  \"encryption\" : null")));
        refusal();
    }

    @Test
    void membersOfALaterMinorVersionAreIgnored() throws IOException {
        Forgery.text(directory, t -> t.replaceFirst("\\{", "{\n  \"later\" : { \"a\" : [ 1 ] },"));
        Forgery.restore(ImageDirectory.open(directory));
    }

    @Test
    void aForgedTailCanNotChangeTheHead() throws IOException {
        Forgery.text(
                directory,
                t ->
                        t.replace(
                                "\"signature\" : null",
                                "\"signature\" : null,\n  \"id\" : \"evil\""));
        assertThatThrownBy(() -> ImageDirectory.open(directory)).isInstanceOf(ImageException.class);
    }

    /** Random states: the decoder refuses, or takes what is one. */
    @Test
    void randomStatesAreRefusedOrHarmless() throws IOException {
        Random random = new Random(1);
        byte[] state = Forgery.state();
        for (int i = 0; i < 20_000; i++) {
            byte[] forged = state.clone();
            for (int n = 1 + random.nextInt(6); n > 0; n--) {
                int at = random.nextInt(forged.length);
                forged[at] =
                        switch (random.nextInt(4)) {
                            case 0 -> (byte) 0xff;
                            case 1 -> 0x7f;
                            case 2 -> 0;
                            default -> (byte) random.nextInt();
                        };
            }
            try {
                new dev.thaw.state.image.StateReader(Forgery.CATALOG).read(forged);
            } catch (ImageException e) {
                assertThat(e.getMessage()).doesNotContain("\n");
            }
        }
    }
}
