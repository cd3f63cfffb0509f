package dev.thaw.sentry.mm;

import dev.thaw.abi.Signals;

/** What {@link MemoryManager#handleFault} answers: 0 for "go on", else the signal to deliver, with its code. */
public final class FaultResult {
    public static final int RESOLVED = 0;

    /** Nothing is mapped there. */
    public static final int MAPERR = Signals.SIGSEGV | Signals.SEGV_MAPERR << 8;

    /** The mapping does not allow it. */
    public static final int ACCERR = Signals.SIGSEGV | Signals.SEGV_ACCERR << 8;

    /** Past the end of the mapped file, or it can not be read. */
    public static final int BUS = Signals.SIGBUS | Signals.BUS_ADRERR << 8;

    /** The sandbox's memory limit is reached: the kernel chooses whom to kill. */
    public static final int OUT_OF_MEMORY = Signals.SIGKILL;

    public static int signal(int result) {
        return result & 0xff;
    }

    public static int code(int result) {
        return result >> 8;
    }

    private FaultResult() {}
}
