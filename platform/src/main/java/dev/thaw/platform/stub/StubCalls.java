package dev.thaw.platform.stub;

import static dev.thaw.abi.Futex.FUTEX_WAKE;
import static dev.thaw.abi.Sysno.SYS_futex;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.thaw.host.NativeFiles;
import dev.thaw.host.RawSyscall;
import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandle;

/** The functions of libthaw.so ({@code src/main/native/thaw.c}). */
public final class StubCalls {
    // SAFETY: each takes addresses inside a mapped region of the context memfd, and touches the
    // words that stub_abi.h names.
    private static final MethodHandle SWITCH =
            NativeFiles.function(
                    "thaw_switch",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle WAIT =
            NativeFiles.function(
                    "thaw_wait",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MANAGER =
            NativeFiles.function(
                    "thaw_manager",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));

    private StubCalls() {}

    /** Wakes all who sleep on a futex word. */
    public static void wake(long word) {
        RawSyscall.call(SYS_futex, word, FUTEX_WAKE, Integer.MAX_VALUE, 0, 0, 0);
    }

    /** Gives a stopped guest thread an order (run, trap) and waits for its next stop, spinning for {@code budget} ticks: see {@link #state} and {@link #ticks}. */
    public static long switchTo(long context, int order, long budget, long nanos) {
        try {
            return (long) SWITCH.invokeExact(context, order, budget, nanos);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** The state after a wait; the order itself when the time is over. */
    public static int state(long result) {
        return (int) result & 0xff;
    }

    /** How long a wait took. */
    public static long ticks(long result) {
        return result >>> 8;
    }

    /** Waits on for the next stop. */
    public static long await(long context, int order, long budget, long nanos) {
        try {
            return (long) WAIT.invokeExact(context, order, budget, nanos);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /**
     * Waits until the manager has done {@code seq} commands; {@code context} is a stopped guest thread of the process that makes room for it, or 0.
     * Returns 0, or -1 when the time is over.
     */
    public static int manager(long control, long context, int seq, long yields, long nanos) {
        try {
            return (int) MANAGER.invokeExact(control, context, seq, yields, nanos);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
