package dev.thaw.store;

import dev.thaw.state.image.ChunkReader;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageFormat;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.image.PageMap;
import dev.thaw.state.image.PagesWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;

/** Writes an image that continues others anew, so that it continues none: each stretch of pages is one chunk again, and all chunks are in one pack. */
public final class Flattening {
    /** They hold a guest's memory. */
    private static final Set<PosixFilePermission> OWNER_ONLY =
            PosixFilePermissions.fromString("rw-------");

    private final ChunkReader chunks;
    private final List<PageMap.Entry> entries;

    private Flattening(ChunkReader chunks, List<PageMap.Entry> entries) {
        this.chunks = chunks;
        this.entries = entries;
    }

    /** Makes {@code draft} an image with the content of {@code image}, and commits it. The draft may be under another key, or none. */
    public static StoredImage of(StoredImage image, ImageDraft draft) throws IOException {
        ImageMeta meta = image.readMeta();
        ImageCodec codec = draft.codec();
        PagesWriter.Result result;
        for (Path file : List.of(draft.pack(), draft.meta())) {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        }
        try (StoredImage.Chunks opened = image.openChunks();
                FileChannel pack = FileChannel.open(draft.pack(), StandardOpenOption.WRITE)) {
            opened.reader().checkComplete(meta.pageMap());
            Flattening pages = new Flattening(opened.reader(), meta.pageMap().entries());
            PagesWriter.Runs runs = new PagesWriter.Runs();
            for (int i = 0; i < pages.entries.size(); i = pages.end(i)) {
                long all = 0;
                for (int k = i; k < pages.end(i); k++) {
                    all |= pages.entries.get(k).use();
                }
                runs.addStretch(pages.entries.get(i).stretch(), all);
            }
            result =
                    PagesWriter.write(
                            pages::read,
                            runs,
                            Set.of(),
                            (data, position) -> write(pack, data, position),
                            codec,
                            1); // the reader is for one thread
        }
        Files.write(
                draft.meta(),
                ImageMeta.encode(meta.state(), result.pageMap(), result.index(), codec));
        Manifest manifest = image.manifest();
        return draft.needs(manifest.cpuFeatures())
                .commit(
                        new ImageFacts(
                                manifest.release(),
                                manifest.kernelAbi(),
                                manifest.platform(),
                                manifest.containers(),
                                manifest.spec(),
                                manifest.labels(),
                                manifest.times().pauseNanos()));
    }

    private static void write(FileChannel pack, MemorySegment data, long position)
            throws IOException {
        ByteBuffer bytes = data.asByteBuffer();
        long at = position;
        while (bytes.hasRemaining()) {
            at += pack.write(bytes, at);
        }
    }

    /** The end of the entries of the same stretch as entry {@code i}. */
    private int end(int i) {
        int end = i + 1;
        while (end < entries.size() && entries.get(end).stretch() == entries.get(i).stretch()) {
            end++;
        }
        return end;
    }

    /** As {@link PagesWriter.Source#read}. */
    private long read(long stretch, long mask, byte[] raw) throws IOException {
        int low = 0;
        for (int high = entries.size(); low < high; ) {
            int middle = (low + high) >>> 1;
            if (entries.get(middle).stretch() < stretch) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        byte[] pages = new byte[ImageFormat.CHUNK];
        for (int i = low; i < entries.size() && entries.get(i).stretch() == stretch; i++) {
            PageMap.Entry entry = entries.get(i);
            byte[] chunk = chunks.read(entry.hash());
            int from = 0;
            for (long left = entry.chunk(); left != 0; left &= left - 1) {
                int page = Long.numberOfTrailingZeros(left);
                if ((entry.use() & 1L << page) != 0) {
                    System.arraycopy(chunk, from, pages, page * ImageFormat.PAGE, ImageFormat.PAGE);
                }
                from += ImageFormat.PAGE;
            }
        }
        int at = 0;
        for (long left = mask; left != 0; left &= left - 1, at += ImageFormat.PAGE) {
            int page = Long.numberOfTrailingZeros(left);
            System.arraycopy(pages, page * ImageFormat.PAGE, raw, at, ImageFormat.PAGE);
        }
        return mask;
    }
}
