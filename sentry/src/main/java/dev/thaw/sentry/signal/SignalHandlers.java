package dev.thaw.sentry.signal;

import dev.thaw.abi.Signals;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** The table of signal actions (Linux: {@code struct sighand_struct}), shared by CLONE_SIGHAND. Each slot is atomic. */
public final class SignalHandlers implements Saveable {
    private final AtomicReferenceArray<SignalAction> actions =
            new AtomicReferenceArray<>(Signals.SIGRTMAX + 1);

    public SignalHandlers() {
        for (int i = 0; i <= Signals.SIGRTMAX; i++) {
            actions.set(i, SignalAction.DEFAULT);
        }
    }

    public SignalAction get(int signal) {
        return actions.get(signal);
    }

    /** Sets the action and returns the one before. */
    public SignalAction set(int signal, SignalAction action) {
        return actions.getAndSet(signal, action);
    }

    /** Whether a signal with this action now would be thrown away. */
    public boolean ignores(int signal) {
        SignalAction action = get(signal);
        return action.isIgnore() || action.isDefault() && SignalSet.ignoredByDefault(signal);
    }

    /** A copy of its own, for fork. */
    public SignalHandlers fork() {
        SignalHandlers copy = new SignalHandlers();
        for (int i = 1; i <= Signals.SIGRTMAX; i++) {
            copy.actions.set(i, actions.get(i));
        }
        return copy;
    }

    /** Makes caught signals default again (execve); with {@code all}, ignored ones too (CLONE_CLEAR_SIGHAND keeps ignored ones). */
    public void reset() {
        for (int i = 1; i <= Signals.SIGRTMAX; i++) {
            SignalAction action = actions.get(i);
            actions.set(
                    i,
                    action.isIgnore()
                            ? new SignalAction(Signals.SIG_IGN, 0, 0, 0)
                            : SignalAction.DEFAULT);
        }
    }

    @Override
    public Record save(SaveContext context) {
        List<SignalAction> list = new ArrayList<>();
        for (int i = 1; i <= Signals.SIGRTMAX; i++) {
            list.add(actions.get(i));
        }
        return new State(list);
    }

    /** All actions, from signal 1 on. */
    @StateType(id = 0x0182, version = 1)
    public record State(List<SignalAction> actions) {}

    static final Restorer<State, SignalHandlers> RESTORER =
            new Restorer<>() {
                @Override
                public SignalHandlers create(State state, RestoreContext context) {
                    SignalHandlers handlers = new SignalHandlers();
                    for (int i = 0; i < Math.min(state.actions().size(), Signals.SIGRTMAX); i++) {
                        handlers.actions.set(i + 1, state.actions().get(i));
                    }
                    return handlers;
                }

                @Override
                public void link(SignalHandlers object, State state, RestoreContext context) {}
            };
}
