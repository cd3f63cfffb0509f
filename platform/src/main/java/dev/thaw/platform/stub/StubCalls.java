package dev.thaw.platform.stub;

import static dev.thaw.abi.Futex.FUTEX_WAKE;
import static dev.thaw.abi.Sysno.SYS_futex;

import dev.thaw.host.NativeFiles;
import dev.thaw.host.RawSyscall;

/** The functions of libthaw.so ({@code src/main/native/thaw.c}). */
public final class StubCalls {
    static {
        NativeFiles.load();
    }

    private StubCalls() {}

    /** Wakes all who sleep on a futex word. */
    public static void wake(long word) {
        RawSyscall.call(SYS_futex, word, FUTEX_WAKE, Integer.MAX_VALUE, 0, 0, 0);
    }

    /** Gives a stopped guest thread an order (run, trap) and waits for its next stop, spinning for {@code budget} ticks: see {@link #state} and {@link #ticks}. {@code words} gets the head of the context. */
    public static native long switchTo(
            long context, int order, long budget, long nanos, long[] words);

    /** The state after a wait; the order itself when the time is over. */
    public static int state(long result) {
        return (int) result & 0xff;
    }

    /** How long a wait took. */
    public static long ticks(long result) {
        return result >>> 8;
    }

    /** Waits on for the next stop. */
    public static native long await(long context, int order, long budget, long nanos, long[] words);

    /**
     * Waits until the manager has done {@code seq} commands; {@code context} is a stopped guest thread of the process that makes room for it, or 0.
     * Returns 0, or -1 when the time is over.
     */
    public static native int manager(long control, long context, int seq, long yields, long nanos);
}
