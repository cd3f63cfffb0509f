package dev.thaw.sentry.signal;

import dev.thaw.state.StateCatalog;

/** The state types of this package. */
public final class SignalStates {
    public static void register(StateCatalog catalog) {
        catalog.value(SignalInfo.State.class)
                .value(SignalAction.class)
                .value(AlternateStack.class)
                .object(SignalHandlers.State.class, SignalHandlers.RESTORER);
    }

    private SignalStates() {}
}
