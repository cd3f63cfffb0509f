package dev.thaw.platform;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A little assembler for guest code in tests. */
final class Code {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** Appends raw bytes. */
    Code bytes(int... bytes) {
        for (int b : bytes) {
            out.write(b);
        }
        return this;
    }

    Code syscall() {
        return bytes(0x0f, 0x05);
    }

    /** {@code mov $value, %rax}. */
    Code rax(long value) {
        return bytes(0x48, 0xb8).quad(value);
    }

    /** {@code mov $value, %rdi}. */
    Code rdi(long value) {
        return bytes(0x48, 0xbf).quad(value);
    }

    /** {@code jmp .}. */
    Code loop() {
        return bytes(0xeb, 0xfe);
    }

    private Code quad(long value) {
        byte[] bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
        out.write(bytes, 0, 8);
        return this;
    }

    byte[] toBytes() {
        return out.toByteArray();
    }
}
