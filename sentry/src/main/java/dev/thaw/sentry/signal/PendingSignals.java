package dev.thaw.sentry.signal;

import dev.thaw.abi.Signals;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Signals sent but not yet delivered (Linux: {@code struct sigpending}). Guarded by the task set's lock; {@link #set} may be read without. */
public final class PendingSignals {
    /** Bound of queued realtime signals; Linux's is RLIMIT_SIGPENDING for each user. */
    public static final int LIMIT = 16_384;

    private final ArrayList<SignalInfo> queue = new ArrayList<>(2);
    private volatile long set;

    /** The pending set. */
    public long set() {
        return set;
    }

    /** Adds a signal. Standard signals are kept once. Returns whether there was room. */
    public boolean add(SignalInfo info) {
        int signal = info.signal();
        if (signal < Signals.SIGRTMIN && SignalSet.contains(set, signal)) {
            return true;
        }
        if (queue.size() >= LIMIT) {
            return false;
        }
        queue.add(info);
        set |= SignalSet.bit(signal);
        return true;
    }

    /** Takes the next signal that is not in {@code blocked}: synchronous ones first, then the lowest number, then the oldest. */
    public @Nullable SignalInfo take(long blocked) {
        long ready = set & ~blocked;
        if (ready == 0) {
            return null;
        }
        long first = ready & SignalSet.SYNCHRONOUS;
        int signal = Long.numberOfTrailingZeros(first != 0 ? first : ready) + 1;
        SignalInfo found = null;
        boolean more = false;
        for (int i = 0; i < queue.size(); i++) {
            if (queue.get(i).signal() == signal) {
                if (found == null) {
                    found = queue.remove(i--);
                } else {
                    more = true;
                    break;
                }
            }
        }
        if (!more) {
            set &= ~SignalSet.bit(signal);
        }
        return found;
    }

    /** Drops all signals of {@code mask}. */
    public void discard(long mask) {
        if ((set & mask) != 0) {
            queue.removeIf(info -> SignalSet.contains(mask, info.signal()));
            set &= ~mask;
        }
    }

    public List<SignalInfo.State> save() {
        List<SignalInfo.State> list = new ArrayList<>(queue.size());
        for (SignalInfo info : queue) {
            list.add(info.save());
        }
        return list;
    }

    public void restore(List<SignalInfo.State> list) {
        for (SignalInfo.State state : list) {
            SignalInfo info = SignalInfo.restore(state);
            if (SignalSet.isValid(info.signal())) {
                add(info);
            }
        }
    }
}
