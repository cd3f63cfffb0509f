package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.MemoryBound;
import dev.thaw.state.image.ByteSource;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ChunkReader;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.image.PageMap;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads every byte of an image, wherever it lies, and names everything that is wrong, not the first fault only. */
final class ImageAudit {
    private static final int MAX_SMALL_FILE = 1 << 30;

    /** Opens the files of an image by name. */
    interface Opener {
        /** What is closed with the last use is up to the opener. {@link NoSuchFileException} when there is none. */
        ByteSource open(String name) throws IOException;

        /** What the file is called in a message. */
        String describe(String name);
    }

    private final Manifest manifest;
    private final Opener opener;
    private final @Nullable ImageCodec codec;
    private final List<String> faults = new ArrayList<>();

    private ImageAudit(Manifest manifest, Opener opener, @Nullable ImageCodec codec) {
        this.manifest = manifest;
        this.opener = opener;
        this.codec = codec;
    }

    /** {@code codec} is null when the image's key is not at hand: then the stored bytes are compared with their hashes and checksums only. */
    static List<String> faults(Manifest manifest, Opener opener, @Nullable ImageCodec codec) {
        ImageAudit audit = new ImageAudit(manifest, opener, codec);
        audit.run();
        return audit.faults;
    }

    private void run() {
        PageMap map = null;
        if (read(manifest.meta()) != null && codec != null) {
            try {
                map = ImageMeta.read(opener.open(manifest.meta().name()), codec).pageMap();
            } catch (ImageException | IOException e) {
                add(manifest.meta().name(), e);
            }
        }
        ChunkIndex index = null;
        byte[] chunks = read(manifest.chunks());
        if (chunks != null) {
            try {
                index = ChunkIndex.decode(chunks);
            } catch (ImageException e) {
                add(manifest.chunks().name(), e);
            }
        }
        List<@Nullable ByteSource> packs = new ArrayList<>();
        for (Manifest.FileRef pack : manifest.packs()) {
            packs.add(pack(pack));
        }
        if (index != null) {
            try {
                readChunks(index, packs, map);
            } catch (IOException e) {
                add(manifest.chunks().name(), e);
            }
        }
    }

    private @Nullable ByteSource pack(Manifest.FileRef pack) {
        try {
            ByteSource source = opener.open(pack.name());
            if (source.size() < pack.size()) {
                throw new ImageException(
                        "is cut short: " + source.size() + " of " + pack.size() + " bytes");
            }
            return source;
        } catch (ImageException | IOException e) {
            add(pack.name(), e);
            return null;
        }
    }

    private void readChunks(
            ChunkIndex index, List<@Nullable ByteSource> packs, @Nullable PageMap map)
            throws IOException {
        List<ByteSource> sources = new ArrayList<>();
        for (ByteSource pack : packs) {
            sources.add(pack == null ? EMPTY : pack);
        }
        List<ChunkIndex.Entry> readable = new ArrayList<>();
        Set<ContentHash> named = new HashSet<>();
        for (ChunkIndex.Entry entry : index.entries()) {
            named.add(entry.hash());
            if (entry.pack() >= packs.size()) {
                add(
                        manifest.chunks().name(),
                        "names pack " + entry.pack() + ", which there is not");
            } else if (entry.position() <= sources.get(entry.pack()).size() - entry.stored()) {
                readable.add(entry);
            } else if (packs.get(entry.pack()) != null) {
                add(
                        manifest.packs().get(entry.pack()).name(),
                        "is cut short: chunk " + entry.hash() + " lies behind its end");
            }
        }
        if (map != null) {
            for (PageMap.Entry entry : map.entries()) {
                if (named.add(entry.hash())) {
                    add(manifest.chunks().name(), "lacks chunk " + entry.hash());
                }
            }
        }
        readable.sort(
                Comparator.comparingInt(ChunkIndex.Entry::pack)
                        .thenComparingLong(ChunkIndex.Entry::position));
        try (ChunkReader reader =
                new ChunkReader(
                        new ChunkIndex(readable),
                        sources,
                        (codec == null ? ImageCodec.plain() : codec).chunks())) {
            for (ChunkIndex.Entry entry : readable) {
                try {
                    reader.checkStored(entry.hash());
                    if (codec != null) {
                        reader.read(entry.hash());
                    }
                } catch (ImageException | IOException e) {
                    add(manifest.packs().get(entry.pack()).name(), e);
                }
            }
        }
    }

    /** The bytes of a small file, null when it is not what the manifest says. */
    private byte @Nullable [] read(Manifest.FileRef file) {
        try {
            ByteSource source = opener.open(file.name());
            if (source.size() != file.size() || file.size() > MAX_SMALL_FILE) {
                throw new ImageException(
                        "is cut short or damaged: "
                                + source.size()
                                + " of "
                                + file.size()
                                + " bytes");
            }
            MemoryBound.check(file.size(), "file");
            byte[] bytes = bytes(source, (int) file.size());
            if (!ContentHash.of(bytes).equals(file.hash())) {
                throw new ImageException("is damaged: its hash differs");
            }
            return bytes;
        } catch (ImageException | IOException e) {
            add(file.name(), e);
            return null;
        }
    }

    /** All bytes of a source of that size. */
    static byte[] bytes(ByteSource source, int size) throws IOException {
        byte[] bytes = new byte[size];
        MemorySegment buffer =
                MemorySegment.ofBuffer(ByteBuffer.allocateDirect(Math.min(size, 4 << 20)));
        for (int at = 0; at < size; ) {
            int count = (int) Math.min(buffer.byteSize(), size - at);
            source.read(buffer.asSlice(0, count), at);
            MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, at, count);
            at += count;
        }
        return bytes;
    }

    private void add(String file, Exception e) {
        String message =
                e instanceof NoSuchFileException
                        ? "is missing"
                        : e instanceof IOException io
                                ? ImageDraft.explain(io)
                                : String.valueOf(e.getMessage());
        add(file, message);
    }

    private void add(String file, String message) {
        String what = opener.describe(file);
        faults.add(message.startsWith(what) ? message : what + " " + message);
    }

    private static final ByteSource EMPTY =
            new ByteSource() {
                @Override
                public long size() {
                    return 0;
                }

                @Override
                public void read(MemorySegment target, long position) throws IOException {
                    throw new IOException("nothing to read");
                }
            };
}
