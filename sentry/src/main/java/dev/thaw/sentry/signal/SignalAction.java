package dev.thaw.sentry.signal;

import dev.thaw.abi.Signals;
import dev.thaw.state.StateType;

/** What a process does on a signal (Linux: {@code struct sigaction}); immutable. */
@StateType(id = 0x0181, version = 1)
public record SignalAction(long handler, long flags, long restorer, long mask) {
    public static final SignalAction DEFAULT = new SignalAction(Signals.SIG_DFL, 0, 0, 0);

    public boolean has(int flag) {
        return (flags & (flag & 0xffffffffL)) != 0;
    }

    public boolean isDefault() {
        return handler == Signals.SIG_DFL;
    }

    public boolean isIgnore() {
        return handler == Signals.SIG_IGN;
    }
}
