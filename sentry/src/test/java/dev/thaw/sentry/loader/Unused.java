package dev.thaw.sentry.loader;

import dev.thaw.sentry.kernel.Task;

/** A task for files that look at none. */
final class Unused {
    @SuppressWarnings("NullAway")
    static final Task TASK = null;

    private Unused() {}
}
