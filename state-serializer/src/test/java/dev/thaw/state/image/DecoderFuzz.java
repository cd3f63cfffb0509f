package dev.thaw.state.image;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What reads images, for a fuzzer ({@code it/bench/fuzz}, and {@link DecoderFuzzTest} in each build): any bytes give an {@link ImageException} or a value, and nothing else. The first byte says which
 * decoder gets the rest.
 */
public final class DecoderFuzz {
    private static final int DECODERS = 5;
    private static final int HEADER = 200;

    /** The fuzzer's entry point. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length == 0) {
            return;
        }
        byte[] rest = Arrays.copyOfRange(data, 1, data.length);
        try {
            switch ((data[0] & 0xff) % DECODERS) {
                case 0 -> new StateReader(Node.catalog()).read(rest);
                case 1 -> StateDump.write(rest, _ -> null, new StringBuilder());
                case 2 -> ImageMeta.read(new Bytes(meta(rest)), ImageCodec.plain());
                case 3 -> PageMap.decode(rest);
                default -> ChunkIndex.decode(rest);
            }
        } catch (ImageException e) {
            if (String.valueOf(e.getMessage()).contains("\n")) {
                throw new AssertionError("a message of more than a line", e);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Files to begin with, in {@code args[0]}. */
    public static void main(String[] args) throws IOException {
        int number = 0;
        for (byte[] seed : seeds()) {
            Files.write(Path.of(args[0], "seed" + number++), seed);
        }
    }

    /** An input that each decoder takes. */
    static List<byte[]> seeds() {
        Node node = Node.full(7);
        node.next = Node.full(8);
        byte[] state = StateWriter.write(Node.catalog(), List.of(node));
        ContentHash hash = ContentHash.of(new byte[1]);
        byte[] map = new PageMap(List.of(new PageMap.Entry(3, 5, hash))).encode();
        byte[] index =
                new ChunkIndex(List.of(new ChunkIndex.Entry(hash, 0, 10, 8192, 1, 0))).encode();
        byte[] stored = Zstds.compress(state);
        ByteBuffer meta =
                ByteBuffer.allocate(12 + stored.length + map.length + index.length)
                        .order(ByteOrder.LITTLE_ENDIAN);
        meta.putInt(state.length).putInt(stored.length).putInt(map.length);
        meta.put(stored).put(map).put(index);
        List<byte[]> seeds = new ArrayList<>();
        byte[][] inputs = {state, state, meta.array(), map, index};
        for (int i = 0; i < inputs.length; i++) {
            byte[] seed = new byte[inputs[i].length + 1];
            seed[0] = (byte) i;
            System.arraycopy(inputs[i], 0, seed, 1, inputs[i].length);
            seeds.add(seed);
        }
        return seeds;
    }

    /** A meta file with right hashes: {@code int raw state | int state length | int map length | sections}. */
    private static byte[] meta(byte[] data) {
        ByteBuffer in =
                ByteBuffer.wrap(Arrays.copyOf(data, Math.max(12, data.length)))
                        .order(ByteOrder.LITTLE_ENDIAN);
        int raw = in.getInt();
        byte[][] sections = new byte[3][];
        int[] lengths = {in.getInt(), in.getInt(), Integer.MAX_VALUE};
        for (int i = 0; i < sections.length; i++) {
            sections[i] = new byte[Math.min(lengths[i] & Integer.MAX_VALUE, in.remaining())];
            in.get(sections[i]);
        }
        int size = HEADER + sections[0].length + sections[1].length + sections[2].length;
        ByteBuffer out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        out.put("THAWMETA".getBytes(StandardCharsets.US_ASCII)).putInt(1).putInt(0).putLong(raw);
        int at = HEADER;
        for (byte[] section : sections) {
            out.putLong(at).putLong(section.length).put(ContentHash.of(section).toBytes());
            at += section.length;
        }
        out.put(ContentHash.of(Arrays.copyOf(out.array(), HEADER - 32)).toBytes());
        for (byte[] section : sections) {
            out.put(section);
        }
        return out.array();
    }

    private record Bytes(byte[] bytes) implements ByteSource {
        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public void read(MemorySegment target, long position) {
            MemorySegment.copy(
                    bytes,
                    (int) position,
                    target,
                    ValueLayout.JAVA_BYTE,
                    0,
                    (int) target.byteSize());
        }
    }

    private DecoderFuzz() {}
}
