package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Small structs of the guest's. */
final class Guest {
    static final long SECOND = 1_000_000_000L;
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    static long getLong(byte[] bytes, int offset) {
        return (long) LONG.get(bytes, offset);
    }

    static int getInt(byte[] bytes, int offset) {
        return (int) INT.get(bytes, offset);
    }

    static void putLong(byte[] bytes, int offset, long value) {
        LONG.set(bytes, offset, value);
    }

    static void putInt(byte[] bytes, int offset, int value) {
        INT.set(bytes, offset, value);
    }

    /** Reads a {@code struct timespec}, checked, as ns (saturated). */
    static long readTimespec(Task task, long address) throws ErrnoException {
        return nanos(task.mm().readLong(address), task.mm().readLong(address + 8), SECOND, 1);
    }

    /** Reads a {@code struct timeval}, checked, as ns. */
    static long readTimeval(Task task, long address) throws ErrnoException {
        return nanos(task.mm().readLong(address), task.mm().readLong(address + 8), 1_000_000, 1000);
    }

    private static long nanos(long seconds, long fraction, long limit, long unit)
            throws ErrnoException {
        if (seconds < 0 || fraction < 0 || fraction >= limit) {
            throw errno(EINVAL);
        }
        return seconds > Long.MAX_VALUE / SECOND - 1
                ? Long.MAX_VALUE - 1
                : seconds * SECOND + fraction * unit;
    }

    static void writeTimespec(Task task, long address, long ns) throws ErrnoException {
        task.mm().writeLong(address, ns / SECOND);
        task.mm().writeLong(address + 8, ns % SECOND);
    }

    static void writeTimeval(Task task, long address, long ns) throws ErrnoException {
        task.mm().writeLong(address, ns / SECOND);
        task.mm().writeLong(address + 8, ns % SECOND / 1000);
    }

    private Guest() {}
}
