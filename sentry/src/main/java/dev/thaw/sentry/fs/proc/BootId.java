package dev.thaw.sentry.fs.proc;

import dev.thaw.sentry.kernel.Kernel;
import java.nio.ByteBuffer;
import java.util.UUID;

/** {@code /proc/sys/kernel/random/boot_id}: drawn anew for each kernel, a restored one too (design D8: clones share no identity). */
record BootId(String text) {
    static BootId of(Kernel kernel) {
        return new BootId(random(kernel));
    }

    /** A random UUID of version 4. */
    static String random(Kernel kernel) {
        byte[] bytes = new byte[16];
        kernel.random(bytes);
        bytes[6] = (byte) (bytes[6] & 0x0f | 0x40);
        bytes[8] = (byte) (bytes[8] & 0x3f | 0x80);
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new UUID(buffer.getLong(), buffer.getLong()).toString();
    }
}
