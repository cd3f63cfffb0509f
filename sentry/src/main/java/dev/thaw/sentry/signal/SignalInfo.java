package dev.thaw.sentry.signal;

import dev.thaw.state.StateType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * One signal as it was sent (Linux: {@code siginfo_t}), kept as the 128 bytes that the guest sees.
 *
 * <pre>
 *  0 si_signo  4 si_errno  8 si_code 12 pad
 * 16 si_pid / si_timerid / si_addr   20 si_uid / si_overrun
 * 24 si_value / si_status            32 si_utime  40 si_stime
 * </pre>
 */
public final class SignalInfo {
    public static final int SIZE = 128;
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] bytes;

    private SignalInfo(byte[] bytes) {
        this.bytes = bytes;
    }

    /** A signal with nothing but its number and {@code si_code}. */
    public static SignalInfo of(int signal, int code) {
        SignalInfo info = new SignalInfo(new byte[SIZE]);
        info.putInt(0, signal);
        info.putInt(8, code);
        return info;
    }

    /** A signal that a process sent: SI_USER, SI_TKILL, or SI_KERNEL with zeros. */
    public static SignalInfo from(int signal, int code, int pid, int uid) {
        SignalInfo info = of(signal, code);
        info.putInt(16, pid);
        info.putInt(20, uid);
        return info;
    }

    /** A fault at {@code address}. */
    public static SignalInfo fault(int signal, int code, long address) {
        SignalInfo info = of(signal, code);
        info.putLong(16, address);
        return info;
    }

    /** SIGCHLD about process {@code pid}. Times are in clock ticks. */
    public static SignalInfo child(
            int signal, int code, int pid, int uid, int status, long utime, long stime) {
        SignalInfo info = from(signal, code, pid, uid);
        info.putInt(24, status);
        info.putLong(32, utime);
        info.putLong(40, stime);
        return info;
    }

    /** Expiry of a POSIX timer. */
    public static SignalInfo timer(int signal, int timerId, long value) {
        SignalInfo info = of(signal, dev.thaw.abi.Signals.SI_TIMER);
        info.putInt(16, timerId);
        info.putLong(24, value);
        return info;
    }

    /** As a guest gave it to rt_sigqueueinfo; the number is overwritten. */
    public static SignalInfo ofBytes(byte[] bytes, int signal) {
        SignalInfo info =
                new SignalInfo(
                        bytes.length == SIZE
                                ? bytes.clone()
                                : java.util.Arrays.copyOf(bytes, SIZE));
        info.putInt(0, signal);
        return info;
    }

    public int signal() {
        return getInt(0);
    }

    public int code() {
        return getInt(8);
    }

    public int pid() {
        return getInt(16);
    }

    public int uid() {
        return getInt(20);
    }

    public int timerId() {
        return getInt(16);
    }

    public int overrun() {
        return getInt(20);
    }

    public void setOverrun(int overrun) {
        putInt(20, overrun);
    }

    public int status() {
        return getInt(24);
    }

    public long value() {
        return getLong(24);
    }

    public long address() {
        return getLong(16);
    }

    /** The guest's bytes; not a copy. */
    public byte[] bytes() {
        return bytes;
    }

    private int getInt(int offset) {
        return (int) INT.get(bytes, offset);
    }

    private long getLong(int offset) {
        return (long) LONG.get(bytes, offset);
    }

    private void putInt(int offset, int value) {
        INT.set(bytes, offset, value);
    }

    private void putLong(int offset, long value) {
        LONG.set(bytes, offset, value);
    }

    public State save() {
        return new State(bytes.clone());
    }

    public static SignalInfo restore(State state) {
        byte[] bytes = java.util.Arrays.copyOf(state.bytes(), SIZE);
        return ofBytes(bytes, (int) INT.get(bytes, 0));
    }

    /** A queued signal. */
    @StateType(id = 0x0180, version = 1)
    public record State(byte[] bytes) {}
}
