package dev.thaw.sentry.syscall;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Little-endian fields of guest structures in byte arrays. */
final class Packed {
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    static void put16(byte[] bytes, int at, int value) {
        SHORT.set(bytes, at, (short) value);
    }

    static void put32(byte[] bytes, int at, int value) {
        INT.set(bytes, at, value);
    }

    static void put64(byte[] bytes, int at, long value) {
        LONG.set(bytes, at, value);
    }

    static int get16(byte[] bytes, int at) {
        return (short) SHORT.get(bytes, at);
    }

    static int get32(byte[] bytes, int at) {
        return (int) INT.get(bytes, at);
    }

    static long get64(byte[] bytes, int at) {
        return (long) LONG.get(bytes, at);
    }

    private Packed() {}
}
