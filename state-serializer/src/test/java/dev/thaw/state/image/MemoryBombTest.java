package dev.thaw.state.image;

import static org.assertj.core.api.Assertions.assertThat;

import com.esotericsoftware.kryo.io.Output;
import dev.thaw.state.ImageException;
import dev.thaw.state.kryo.RecordDecoder;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Images that take many times their bytes in memory, read by a process that has little: it refuses them, and lives. */
final class MemoryBombTest {
    private static final int HEADER = 200;

    @Test
    void bombsAreRefusedByAProcessOf48MiB() throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx48m",
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                MemoryBombTest.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output.lines())
                .as(output)
                .hasSize(6)
                .allSatisfy(line -> assertThat(line).startsWith("refused: "));
    }

    /** The process of little memory. */
    public static void main(String[] args) {
        attempt(() -> read(meta(zeros(1 << 30), 1L << 30)));
        attempt(() -> read(meta(zeros(1 << 30), 8L << 20)));
        attempt(() -> RecordDecoder.decodeGeneric(list("list<boolean>", 6 << 20)));
        attempt(() -> RecordDecoder.decodeGeneric(list("list<string>", 4 << 20)));
        attempt(() -> RecordDecoder.decodeGeneric(list("#7000", 10))); // a type that holds itself
        attempt(() -> RecordDecoder.decodeGeneric(list("list<#7000>", 1 << 20)));
    }

    private interface Action {
        void run() throws IOException;
    }

    private static void attempt(Action action) {
        try {
            action.run();
            System.out.println("taken");
        } catch (ImageException e) {
            System.out.println("refused: " + e.getMessage());
        } catch (IOException | OutOfMemoryError e) {
            System.out.println(e);
        }
    }

    /** A zstd frame of {@code length} zeros: a block of 128 KiB takes four bytes. */
    private static byte[] zeros(int length) {
        int block = 128 << 10;
        ByteBuffer out =
                ByteBuffer.allocate(9 + 4 * (length / block)).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(0xfd2fb528).put((byte) 0xa0).putInt(length);
        for (int left = length / block; left > 0; left--) {
            out.putInt(block << 3 | 1 << 1 | (left == 1 ? 1 : 0)); // 3 bytes, and the zero
        }
        return out.array();
    }

    private static byte[] meta(byte[] state, long claimed) {
        ByteBuffer out = ByteBuffer.allocate(HEADER + state.length).order(ByteOrder.LITTLE_ENDIAN);
        out.put("THAWMETA".getBytes(StandardCharsets.US_ASCII))
                .putInt(1)
                .putInt(0)
                .putLong(claimed);
        int at = HEADER;
        for (byte[] section : new byte[][] {state, {}, {}}) {
            out.putLong(at).putLong(section.length).put(ContentHash.of(section).toBytes());
            at += section.length;
        }
        out.put(ContentHash.of(Arrays.copyOf(out.array(), HEADER - 32)).toBytes()).put(state);
        return out.array();
    }

    private static void read(byte[] meta) throws IOException {
        ImageMeta.read(
                new ByteSource() {
                    @Override
                    public long size() {
                        return meta.length;
                    }

                    @Override
                    public void read(MemorySegment target, long position) {
                        MemorySegment.copy(
                                meta,
                                (int) position,
                                target,
                                ValueLayout.JAVA_BYTE,
                                0,
                                (int) target.byteSize());
                    }
                },
                ImageCodec.plain());
    }

    /** A state of one object with one list of {@code count} elements that are a zero byte each. */
    private static byte[] list(String kind, int count) {
        Output out = new Output(count + 100);
        out.writeBytes("THAWSTAT".getBytes(StandardCharsets.US_ASCII));
        out.writeInt(1);
        out.writeInt(1);
        out.writeVarInt(0x7000, true);
        out.writeVarInt(1, true);
        byte[] signature = ("all " + kind).getBytes(StandardCharsets.US_ASCII);
        out.writeVarInt(signature.length, true);
        out.writeBytes(signature);
        out.writeInt(0);
        out.writeInt(1);
        out.writeVarInt(0x7000, true);
        out.writeInt(count + 4);
        out.writeVarInt(count, true);
        out.writeBytes(new byte[count]);
        return out.toBytes();
    }
}
