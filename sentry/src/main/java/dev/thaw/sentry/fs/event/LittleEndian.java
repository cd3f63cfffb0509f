package dev.thaw.sentry.fs.event;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.IoBuffer;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Numbers in byte arrays and buffers, in the order of x86-64 and arm64. */
final class LittleEndian {
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    static long putLong(IoBuffer target, long value) throws ErrnoException {
        byte[] bytes = new byte[Long.BYTES];
        LONG.set(bytes, 0, value);
        return target.put(bytes, 0, Long.BYTES);
    }

    static long takeLong(IoBuffer source) throws ErrnoException {
        byte[] bytes = new byte[Long.BYTES];
        source.take(bytes, 0, Long.BYTES);
        return (long) LONG.get(bytes, 0);
    }

    static void setInt(byte[] bytes, int offset, int value) {
        INT.set(bytes, offset, value);
    }

    private LittleEndian() {}
}
