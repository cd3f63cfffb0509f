package dev.thaw.sentry.signal;

import static dev.thaw.abi.Signals.*;

/** Sets of signals as Linux's 64-bit {@code sigset_t}: signal {@code n} is bit {@code n - 1}. */
public final class SignalSet {
    /** SIGKILL and SIGSTOP: never blocked, caught or ignored. */
    public static final long UNBLOCKABLE = bit(SIGKILL) | bit(SIGSTOP);

    /** Signals that stop a process by default. */
    public static final long STOP = bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);

    /** Signals that a fault of the thread itself causes: delivered first. */
    public static final long SYNCHRONOUS =
            bit(SIGSEGV) | bit(SIGBUS) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGFPE) | bit(SIGSYS);

    private static final long IGNORED = bit(SIGCONT) | bit(SIGCHLD) | bit(SIGWINCH) | bit(SIGURG);
    private static final long CORE =
            bit(SIGQUIT)
                    | bit(SIGILL)
                    | bit(SIGTRAP)
                    | bit(SIGABRT)
                    | bit(SIGFPE)
                    | bit(SIGSEGV)
                    | bit(SIGBUS)
                    | bit(SIGSYS)
                    | bit(SIGXCPU)
                    | bit(SIGXFSZ);

    /** The set of one signal. */
    public static long bit(int signal) {
        return 1L << (signal - 1);
    }

    public static boolean contains(long set, int signal) {
        return (set & bit(signal)) != 0;
    }

    /** Whether {@code signal} is a number a guest may name. */
    public static boolean isValid(int signal) {
        return signal >= 1 && signal <= SIGRTMAX;
    }

    /** Whether the default action is to do nothing. */
    public static boolean ignoredByDefault(int signal) {
        return contains(IGNORED, signal);
    }

    /** Whether the default action dumps core. */
    public static boolean dumpsCore(int signal) {
        return contains(CORE, signal);
    }

    private SignalSet() {}
}
