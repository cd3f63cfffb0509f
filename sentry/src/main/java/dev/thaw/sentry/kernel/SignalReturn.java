package dev.thaw.sentry.kernel;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.signal.SignalInfo;

/** rt_sigreturn(2). */
public final class SignalReturn {
    /** Takes the frame on the stack back; a bad one is answered by SIGSEGV. Always {@link Task#NO_RESULT}. */
    public static long call(Task task) {
        try {
            SignalFrame.pop(task);
        } catch (ErrnoException e) {
            task.registers().origRax = -1;
            task.kernel()
                    .signals()
                    .force(task, SignalInfo.of(Signals.SIGSEGV, Signals.SI_KERNEL), 0, 0);
        }
        return Task.NO_RESULT;
    }

    private SignalReturn() {}
}
