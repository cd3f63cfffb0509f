package dev.thaw.sentry.signal;

import dev.thaw.abi.Signals;
import dev.thaw.state.StateType;

/** The stack that SA_ONSTACK handlers run on (Linux: {@code stack_t}). */
@StateType(id = 0x0183, version = 1)
public record AlternateStack(long base, int flags, long size) {
    public static final AlternateStack NONE = new AlternateStack(0, Signals.SS_DISABLE, 0);

    /** SS_AUTODISARM. */
    public static final int AUTODISARM = 0x80000000;

    public boolean enabled() {
        return size != 0;
    }

    /** Whether {@code sp} lies on the stack. */
    public boolean contains(long sp) {
        return size != 0
                && sp - base > 0
                && Long.compareUnsigned(sp - base, size) <= 0
                && (flags & AUTODISARM) == 0;
    }

    /** The flags that sigaltstack(2) reports for a thread whose stack pointer is {@code sp}. */
    public int statusAt(long sp) {
        if (size == 0) {
            return Signals.SS_DISABLE;
        }
        return (contains(sp) ? Signals.SS_ONSTACK : 0) | flags & AUTODISARM;
    }
}
