package dev.thaw.sentry.time;

import dev.thaw.state.StateCatalog;
import dev.thaw.state.StateType;
import java.util.List;

/** The state types of this package. */
public final class TimeStates {
    /** {@code intervals}: time left and interval of ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF. */
    @StateType(id = 0x0480, version = 1)
    public record ProcessTimersState(long[] intervals, List<PosixTimerState> timers) {}

    /** A timer of timer_create(2). */
    @StateType(id = 0x0481, version = 1)
    public record PosixTimerState(
            int id,
            int clock,
            int notification,
            int signal,
            int targetTid,
            long value,
            long timeLeft,
            long interval,
            boolean queued,
            int pendingOverrun,
            int lastOverrun) {}

    /** The clocks at the moment of the checkpoint. */
    @StateType(id = 0x0482, version = 1)
    public record ClockState(long monotonic, long boottime, long realtime) {}

    public static void register(StateCatalog catalog) {
        catalog.value(ProcessTimersState.class)
                .value(PosixTimerState.class)
                .value(ClockState.class);
    }

    private TimeStates() {}
}
