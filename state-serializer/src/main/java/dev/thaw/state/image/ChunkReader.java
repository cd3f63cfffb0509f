package dev.thaw.state.image;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/** Reads chunks from packs, and believes none before its hash is right. For one thread at a time. */
public final class ChunkReader implements AutoCloseable {
    private final List<ByteSource> packs;
    private final Map<ContentHash, ChunkIndex.Entry> index = new HashMap<>();
    private final byte[] stored = new byte[ImageFormat.MAX_STORED];
    private final byte[] raw = new byte[ImageFormat.CHUNK];
    private final MemorySegment buffer =
            MemorySegment.ofBuffer(ByteBuffer.allocateDirect(ImageFormat.MAX_STORED));
    private final ChunkCodec codec;

    /** Checks that each chunk lies inside its pack. The codec is closed with the reader. */
    public ChunkReader(ChunkIndex chunks, List<ByteSource> packs, ChunkCodec codec)
            throws IOException {
        this.packs = packs;
        this.codec = codec;
        long[] sizes = new long[packs.size()];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = packs.get(i).size();
        }
        for (ChunkIndex.Entry entry : chunks.entries()) {
            if (entry.pack() >= sizes.length
                    || entry.position() > sizes[entry.pack()] - entry.stored()) {
                throw new ImageException(
                        "page pack is cut short: chunk " + entry.hash() + " lies behind its end");
            }
            index.put(entry.hash(), entry);
        }
    }

    /** Throws unless every chunk of {@code map} is there and has the length it must have. */
    public void checkComplete(PageMap map) {
        for (PageMap.Entry entry : map.entries()) {
            ChunkIndex.Entry chunk = index.get(entry.hash());
            if (chunk == null) {
                throw new ImageException("chunk " + entry.hash() + " of the page map is missing");
            }
            if (chunk.raw() != entry.rawLength()) {
                throw new ImageException(
                        "chunk "
                                + entry.hash()
                                + " has "
                                + chunk.raw()
                                + " bytes, not "
                                + entry.rawLength());
            }
        }
    }

    /** The raw bytes of a chunk, valid until the next call. */
    public byte[] read(ContentHash hash) throws IOException {
        ChunkIndex.Entry entry = stored(hash);
        codec.decode(hash, stored, entry.stored(), raw, entry.raw());
        return raw;
    }

    /** Throws when the stored bytes of a chunk are not those that were written; much cheaper than {@link #read}. */
    public void checkStored(ContentHash hash) throws IOException {
        ChunkIndex.Entry entry = stored(hash);
        CRC32C crc = new CRC32C();
        crc.update(stored, 0, entry.stored());
        if ((int) crc.getValue() != entry.crc()) {
            throw new ImageException("chunk " + hash + " is damaged: its checksum differs");
        }
    }

    private ChunkIndex.Entry stored(ContentHash hash) throws IOException {
        ChunkIndex.Entry entry = index.get(hash);
        if (entry == null) {
            throw new ImageException("chunk " + hash + " is missing");
        }
        packs.get(entry.pack()).read(buffer.asSlice(0, entry.stored()), entry.position());
        MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, stored, 0, entry.stored());
        return entry;
    }

    @Override
    public void close() {
        codec.close();
    }
}
