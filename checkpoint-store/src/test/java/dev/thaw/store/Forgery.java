package dev.thaw.store;

import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.StateType;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ChunkReader;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.image.PageMap;
import dev.thaw.state.image.StateReader;
import dev.thaw.state.image.StateWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A small image with some state, read as a restore reads one, and changed as an attacker would: with all hashes made right again. */
final class Forgery {
    /** A list of objects, the state of the images here. */
    static final class Link implements Saveable {
        @StateType(id = 0x7300)
        record State(String name, List<Long> numbers, int next) {}

        private final String name;
        private @Nullable Link next;

        Link(String name) {
            this.name = name;
        }

        @Override
        public Record save(SaveContext context) {
            return new State(name, List.of(1L, 2L), context.ref(next));
        }
    }

    static final StateCatalog CATALOG =
            new StateCatalog()
                    .object(
                            Link.State.class,
                            new Restorer<Link.State, Link>() {
                                @Override
                                public Link create(Link.State state, RestoreContext context) {
                                    return new Link(state.name());
                                }

                                @Override
                                public void link(
                                        Link link, Link.State state, RestoreContext context) {
                                    link.next = context.getOrNull(state.next(), Link.class);
                                }
                            });

    /** Two links in a circle. */
    static byte[] state() {
        Link first = new Link("first");
        first.next = new Link("second");
        first.next.next = first;
        return StateWriter.write(CATALOG, List.of(first));
    }

    /** Does with an image all that a restore does, and touches every page. */
    static void restore(StoredImage image) throws IOException {
        image.checkHost();
        image.checkFiles();
        ImageMeta meta = image.readMeta();
        try (StoredImage.Chunks chunks = image.openChunks()) {
            ChunkReader reader = chunks.reader();
            reader.checkComplete(meta.pageMap());
            new StateReader(CATALOG).read(meta.state());
            for (PageMap.Entry entry : meta.pageMap().entries()) {
                reader.read(entry.hash());
            }
        }
    }

    private static final int HEADER = 200;

    /** Changes section {@code number} of the meta file and makes its hashes and those of the manifest right. */
    static void section(Path directory, int number, UnaryOperator<byte[]> change)
            throws IOException {
        StoredImage image = ImageDirectory.open(directory);
        ByteBuffer old =
                ByteBuffer.wrap(Files.readAllBytes(image.meta())).order(ByteOrder.LITTLE_ENDIAN);
        byte[][] sections = new byte[3][];
        for (int i = 0; i < sections.length; i++) {
            sections[i] = new byte[(int) old.getLong(24 + 48 * i + 8)];
            old.get((int) old.getLong(24 + 48 * i), sections[i]);
        }
        sections[number] = change.apply(sections[number]);
        int size = HEADER + sections[0].length + sections[1].length + sections[2].length;
        ByteBuffer now = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        now.put(0, old.array(), 0, 24);
        int at = HEADER;
        for (int i = 0; i < sections.length; i++) {
            now.putLong(24 + 48 * i, at).putLong(24 + 48 * i + 8, sections[i].length);
            now.put(24 + 48 * i + 16, ContentHash.of(sections[i]).toBytes());
            now.put(at, sections[i]);
            at += sections[i].length;
        }
        meta(directory, now.array());
    }

    /** Makes {@code bytes} the meta file, with the header's hash and the manifest's right. */
    static void meta(Path directory, byte[] bytes) throws IOException {
        if (bytes.length >= HEADER) {
            System.arraycopy(
                    ContentHash.of(Arrays.copyOf(bytes, HEADER - 32)).toBytes(),
                    0,
                    bytes,
                    HEADER - 32,
                    32);
        }
        StoredImage image = ImageDirectory.open(directory);
        Files.write(image.meta(), bytes);
        reseal(directory, image, file(image.manifest().meta(), bytes), image.manifest().chunks());
    }

    /** Makes {@code bytes} the chunk index. */
    static void chunks(Path directory, byte[] bytes) throws IOException {
        StoredImage image = ImageDirectory.open(directory);
        Files.write(image.chunks(), bytes);
        reseal(directory, image, image.manifest().meta(), file(image.manifest().chunks(), bytes));
    }

    /** Entry {@code number} of a chunk index, changed. */
    static byte[] entry(ChunkIndex index, int number, UnaryOperator<ChunkIndex.Entry> change) {
        ChunkIndex.Entry[] entries = index.entries().toArray(ChunkIndex.Entry[]::new);
        entries[number] = change.apply(entries[number]);
        return new ChunkIndex(List.of(entries)).encode();
    }

    private static Manifest.FileRef file(Manifest.FileRef old, byte[] bytes) {
        return new Manifest.FileRef(old.name(), bytes.length, ContentHash.of(bytes));
    }

    private static void reseal(
            Path directory, StoredImage image, Manifest.FileRef meta, Manifest.FileRef chunks)
            throws IOException {
        text(
                directory,
                text ->
                        text.replace(json(image.manifest().meta()), json(meta))
                                .replace(json(image.manifest().chunks()), json(chunks)));
    }

    private static String json(Manifest.FileRef file) {
        return "\"size\" : %d,\n      \"sha256\" : \"%s\"".formatted(file.size(), file.hash());
    }

    /** Changes the manifest's text and makes root and hash right. */
    static void text(Path directory, UnaryOperator<String> change) throws IOException {
        Path file = directory.resolve("manifest.json");
        Files.writeString(file, sealed(change.apply(Files.readString(file))));
    }

    /** A manifest's text with the root and hash that it should have. */
    static String sealed(String text) {
        int tail = text.lastIndexOf(",\n  \"encryption\" : ");
        String root = hash(text.substring(0, Math.max(0, tail)));
        String rooted =
                text.replaceFirst(
                        "\n {2}\"root\" : \"[0-9a-f]{64}\"", "\n  \"root\" : \"" + root + "\"");
        int seal = rooted.lastIndexOf(",\n  \"sha256\" : ");
        String body = rooted.substring(0, seal);
        return body + ",\n  \"sha256\" : \"" + hash(body) + "\"\n}\n";
    }

    private static String hash(String text) {
        return ContentHash.of(text.getBytes(StandardCharsets.UTF_8)).toString();
    }

    private Forgery() {}
}
