package dev.thaw.store.archive;

import dev.thaw.state.image.ChunkIndex;
import dev.thaw.store.Manifest;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The files of an image as they leave their store: byte for byte, but what lies in a pack between the chunks of this image (chunks of other images) is zeros. So nothing of others leaves with it, and
 * the manifest, its root and its signature stay as they are.
 */
final class ImageContents {
    /** Takes the files one after the other. */
    interface Sink {
        void file(String name, long size) throws IOException;

        void write(byte[] bytes, int length) throws IOException;
    }

    private static final int BUFFER = 1 << 20;

    private final StoredImage image;
    private final List<ChunkIndex.Entry> chunks;
    private final byte[] buffer = new byte[BUFFER];

    /** The contents of {@code image}, whose files were checked. */
    ImageContents(StoredImage image) {
        this.image = image;
        this.chunks = new ArrayList<>(image.chunkIndex().entries());
        chunks.sort(
                Comparator.comparingInt(ChunkIndex.Entry::pack)
                        .thenComparingLong(ChunkIndex.Entry::position));
    }

    static final String MANIFEST = "manifest.json";

    /** The manifest's bytes. */
    byte[] manifest() {
        return image.inspect().getBytes(StandardCharsets.UTF_8);
    }

    /** The files beside the manifest, in the order in which they leave. */
    List<Manifest.FileRef> files() {
        List<Manifest.FileRef> files = new ArrayList<>();
        files.add(image.manifest().meta());
        files.add(image.manifest().chunks());
        files.addAll(image.manifest().packs());
        return files;
    }

    /** Writes all files, the manifest first. */
    void write(Sink sink) throws IOException {
        byte[] manifest = manifest();
        sink.file(MANIFEST, manifest.length);
        sink.write(manifest, manifest.length);
        for (int i = 0; i < files().size(); i++) {
            write(i, sink);
        }
    }

    /** Writes file {@code number} of {@link #files}. */
    void write(int number, Sink sink) throws IOException {
        Manifest.FileRef file = files().get(number);
        sink.file(file.name(), file.size());
        if (number < 2) {
            byte[] bytes = Files.readAllBytes(number == 0 ? image.meta() : image.chunks());
            sink.write(bytes, bytes.length);
        } else {
            pack(number - 2, file.size(), sink);
        }
    }

    private void pack(int number, long size, Sink sink) throws IOException {
        Path path = image.packs().get(number);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long at = 0;
            for (ChunkIndex.Entry chunk : chunks) {
                long end = chunk.position() + chunk.stored();
                if (chunk.pack() == number && end > at) {
                    long from = Math.max(at, chunk.position());
                    zeros(from - at, sink);
                    copy(channel, path, from, end, sink);
                    at = end;
                }
            }
            zeros(size - at, sink);
        }
    }

    private void zeros(long count, Sink sink) throws IOException {
        byte[] none = new byte[(int) Math.min(BUFFER, count)];
        for (long left = count; left > 0; ) {
            int step = (int) Math.min(none.length, left);
            sink.write(none, step);
            left -= step;
        }
    }

    private void copy(FileChannel channel, Path path, long from, long to, Sink sink)
            throws IOException {
        for (long at = from; at < to; ) {
            int count =
                    channel.read(
                            ByteBuffer.wrap(buffer, 0, (int) Math.min(buffer.length, to - at)), at);
            if (count <= 0) {
                throw new IOException(path + " is cut short");
            }
            sink.write(buffer, count);
            at += count;
        }
    }
}
