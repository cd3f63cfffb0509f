package dev.thaw.state.image;

import dev.thaw.state.ImageException;
import dev.thaw.state.MemoryBound;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * An image's small file: kernel state, page map, the index of the pack that was written with it.
 *
 * <pre>
 *   0 magic "THAWMETA" | int format version | int flags (1: encrypted) | long raw state bytes
 *  24 3 x { long offset | long length | byte sha256[32] }: state (zstd), page map, chunk index
 * 168 sha256 of the bytes before
 * 200 sections, one behind the other; little-endian
 * </pre>
 */
public record ImageMeta(byte[] state, PageMap pageMap, ChunkIndex index) {
    private static final byte[] MAGIC = {'T', 'H', 'A', 'W', 'M', 'E', 'T', 'A'};
    private static final int ENCRYPTED = 1;
    private static final int SECTIONS = 3;
    private static final int HASH_AT = 24 + SECTIONS * 48;
    private static final int HEADER = HASH_AT + ContentHash.BYTES;
    private static final long MAX_SECTION = 1 << 30;

    /** The file's bytes. {@code state} is the raw blob. */
    public static byte[] encode(byte[] state, PageMap pageMap, ChunkIndex index, ImageCodec codec) {
        byte[][] sections = {
            codec.seal(0, Zstds.compress(state)), codec.seal(1, pageMap.encode()), index.encode()
        };
        long size = HEADER;
        for (byte[] section : sections) {
            size += section.length;
        }
        ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(size)).order(ByteOrder.LITTLE_ENDIAN);
        out.put(MAGIC)
                .putInt(ImageFormat.VERSION)
                .putInt(codec.encrypts() ? ENCRYPTED : 0)
                .putLong(state.length);
        long offset = HEADER;
        for (byte[] section : sections) {
            out.putLong(offset).putLong(section.length).put(ContentHash.of(section).toBytes());
            offset += section.length;
        }
        byte[] head = new byte[HASH_AT];
        out.get(0, head);
        out.put(ContentHash.of(head).toBytes());
        for (byte[] section : sections) {
            out.put(section);
        }
        return out.array();
    }

    /** What tells this file's bytes from all others': the hash of the header, which has the hashes of all sections. */
    public static ContentHash identity(ByteSource source) throws IOException {
        if (source.size() < HEADER) {
            throw new ImageException("is cut short: " + source.size() + " bytes");
        }
        return ContentHash.wrap(bytes(source, HASH_AT, ContentHash.BYTES));
    }

    /** As {@link #identity(ByteSource)}, of what {@link #encode} gave. */
    public static ContentHash identity(byte[] file) {
        return ContentHash.wrap(java.util.Arrays.copyOfRange(file, HASH_AT, HEADER));
    }

    /** Reads and checks a whole file. */
    public static ImageMeta read(ByteSource source, ImageCodec codec) throws IOException {
        long size = source.size();
        if (size < HEADER || size > SECTIONS * MAX_SECTION) {
            throw new ImageException("is cut short: " + size + " bytes");
        }
        byte[] head = bytes(source, 0, HEADER);
        ByteBuffer in = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
        byte[] magic = new byte[MAGIC.length];
        in.get(magic);
        if (!Arrays.equals(magic, MAGIC)) {
            throw new ImageException("is no Thaw image");
        }
        int version = in.getInt();
        if (version != ImageFormat.VERSION) {
            throw new ImageException(
                    "has format version "
                            + version
                            + ", this release reads "
                            + ImageFormat.VERSION);
        }
        if (!ContentHash.wrap(Arrays.copyOfRange(head, HASH_AT, HEADER))
                .equals(ContentHash.of(Arrays.copyOf(head, HASH_AT)))) {
            throw new ImageException("is damaged: the header's hash differs");
        }
        int flags = in.getInt();
        if ((flags & ~ENCRYPTED) != 0) {
            throw new ImageException("has flags that this release does not know: " + flags);
        }
        if ((flags == ENCRYPTED) != codec.encrypts()) {
            throw new ImageException(
                    flags == ENCRYPTED ? "is encrypted, and no key was given" : "is not encrypted");
        }
        long rawState = in.getLong();
        MemoryBound.check(rawState, "state");
        byte[][] sections = new byte[SECTIONS][];
        long next = HEADER;
        for (int i = 0; i < SECTIONS; i++) {
            long offset = in.getLong();
            long length = in.getLong();
            ContentHash hash = ContentHash.read(in);
            if (offset != next || length < 0 || length > MAX_SECTION || length > size - offset) {
                throw new ImageException(
                        "is cut short: section " + i + " has " + length + " bytes at " + offset);
            }
            MemoryBound.check(length, "section");
            sections[i] = bytes(source, offset, (int) length);
            if (!ContentHash.of(sections[i]).equals(hash)) {
                throw new ImageException("is damaged: the hash of section " + i + " differs");
            }
            next += length;
        }
        if (next != size) {
            throw new ImageException("has " + (size - next) + " bytes too many");
        }
        byte[] state = Zstds.decompress(codec.open(0, sections[0]), (int) rawState, "state");
        return new ImageMeta(
                state, PageMap.decode(codec.open(1, sections[1])), ChunkIndex.decode(sections[2]));
    }

    /** The length of the stored state and its hash are what a manifest tells of it. */
    static byte[] bytes(ByteSource source, long position, int length) throws IOException {
        byte[] result = new byte[length];
        ByteBuffer buffer = ByteBuffer.allocateDirect(Math.min(length, 1 << 20));
        MemorySegment segment = MemorySegment.ofBuffer(buffer);
        for (int done = 0; done < length; ) {
            int count = (int) Math.min(segment.byteSize(), length - done);
            source.read(segment.asSlice(0, count), position + done);
            MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, 0, result, done, count);
            done += count;
        }
        return result;
    }
}
