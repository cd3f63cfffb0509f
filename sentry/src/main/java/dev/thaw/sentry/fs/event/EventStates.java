package dev.thaw.sentry.fs.event;

import dev.thaw.state.StateCatalog;

/** What an image keeps of event descriptors. */
public final class EventStates {
    /** Adds this package's records. */
    public static void register(StateCatalog catalog) {
        catalog.object(EventFile.State.class, EventFile.RESTORER)
                .object(EpollFile.State.class, EpollFile.RESTORER)
                .value(EpollFile.ItemState.class)
                .object(TimerFile.State.class, TimerFile.RESTORER)
                .object(SignalFile.State.class, SignalFile.RESTORER)
                .object(InotifyFile.State.class, InotifyFile.RESTORER)
                .value(InotifyFile.WatchState.class)
                .value(InotifyFile.Event.class);
    }

    private EventStates() {}
}
