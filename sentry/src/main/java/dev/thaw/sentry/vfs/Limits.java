package dev.thaw.sentry.vfs;

import dev.thaw.sentry.kernel.Task;

/** The resource limits that files know. */
public final class Limits {
    /** RLIMIT_FSIZE, {@link Long#MAX_VALUE} for none. */
    public static long fileSize(Task task) {
        return Long.MAX_VALUE;
    }

    /** RLIMIT_NOFILE. */
    public static long openFiles(Task task) {
        return 1024;
    }

    private Limits() {}
}
