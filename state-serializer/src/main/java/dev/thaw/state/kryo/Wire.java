package dev.thaw.state.kryo;

import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.Output;
import dev.thaw.state.ImageException;
import java.nio.charset.StandardCharsets;

/** The encoding of plain values over Kryo's streams; every count is compared with the bytes that are left before anything is allocated. */
final class Wire {
    static void writeBytes(Output out, byte[] bytes) {
        out.writeVarInt(bytes.length, true);
        out.writeBytes(bytes);
    }

    static byte[] readBytes(Input in) {
        return in.readBytes(readCount(in, 1));
    }

    static void writeString(Output out, String text) {
        writeBytes(out, text.getBytes(StandardCharsets.UTF_8));
    }

    static String readString(Input in) {
        return new String(readBytes(in), StandardCharsets.UTF_8);
    }

    static void writeInts(Output out, int[] values) {
        out.writeVarInt(values.length, true);
        out.writeInts(values, 0, values.length);
    }

    static int[] readInts(Input in) {
        return in.readInts(readCount(in, Integer.BYTES));
    }

    static void writeLongs(Output out, long[] values) {
        out.writeVarInt(values.length, true);
        out.writeLongs(values, 0, values.length);
    }

    static long[] readLongs(Input in) {
        return in.readLongs(readCount(in, Long.BYTES));
    }

    static boolean readBoolean(Input in) {
        byte value = in.readByte();
        if (value != 0 && value != 1) {
            throw new ImageException("a truth value of " + value);
        }
        return value == 1;
    }

    /** A count of elements that take at least {@code minBytes} each. */
    static int readCount(Input in, int minBytes) {
        int count = in.readVarInt(true);
        if (count < 0 || count > remaining(in) / minBytes) {
            throw new ImageException(
                    "a count of "
                            + Integer.toUnsignedString(count)
                            + " where "
                            + remaining(in)
                            + " bytes are left");
        }
        return count;
    }

    static int remaining(Input in) {
        return in.limit() - in.position();
    }

    private Wire() {}
}
