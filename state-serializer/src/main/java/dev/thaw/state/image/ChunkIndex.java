package dev.thaw.state.image;

import dev.thaw.state.ImageException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Where chunks lie in packs, sorted by hash.
 *
 * <pre>{ byte hash[32] | long position | int stored bytes | int raw bytes | int CRC-32C of the stored bytes | int pack } little-endian</pre>
 */
public record ChunkIndex(List<Entry> entries) {
    public static final int ENTRY = 56;

    /** One chunk. {@code pack} counts the packs of an image. */
    public record Entry(ContentHash hash, long position, int stored, int raw, int crc, int pack) {
        public Entry inPack(int other) {
            return new Entry(hash, position, stored, raw, crc, other);
        }
    }

    public byte[] encode() {
        ByteBuffer out =
                ByteBuffer.allocate(Math.multiplyExact(entries.size(), ENTRY))
                        .order(ByteOrder.LITTLE_ENDIAN);
        for (Entry e : entries) {
            out.put(e.hash.toBytes())
                    .putLong(e.position)
                    .putInt(e.stored)
                    .putInt(e.raw)
                    .putInt(e.crc)
                    .putInt(e.pack);
        }
        return out.array();
    }

    /** The inverse of {@link #encode}; each entry is in bounds by itself, and their order is strict. */
    public static ChunkIndex decode(byte[] bytes) {
        if (bytes.length % ENTRY != 0) {
            throw new ImageException("chunk index of " + bytes.length + " bytes");
        }
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        List<Entry> entries = new ArrayList<>(bytes.length / ENTRY);
        while (in.hasRemaining()) {
            Entry e =
                    new Entry(
                            ContentHash.read(in),
                            in.getLong(),
                            in.getInt(),
                            in.getInt(),
                            in.getInt(),
                            in.getInt());
            if (e.position < 0
                    || e.stored <= 0
                    || e.stored > ImageFormat.MAX_STORED
                    || e.raw <= 0
                    || e.raw > ImageFormat.CHUNK
                    || e.raw % ImageFormat.PAGE != 0
                    || e.pack < 0
                    || e.position > Long.MAX_VALUE - e.stored) {
                throw new ImageException(
                        "chunk index entry " + entries.size() + " is out of bounds");
            }
            if (!entries.isEmpty() && entries.getLast().hash.compareTo(e.hash) >= 0) {
                throw new ImageException(
                        "chunk index entry " + entries.size() + " is out of order");
            }
            entries.add(e);
        }
        return new ChunkIndex(entries);
    }
}
