package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Resource.RLIMIT_FSIZE;
import static dev.thaw.abi.Resource.RLIMIT_NOFILE;

import dev.thaw.sentry.kernel.Task;

/** The resource limits that files know. */
public final class Limits {
    /** RLIMIT_FSIZE, {@link Long#MAX_VALUE} for none. */
    public static long fileSize(Task task) {
        return task.threadGroup().limits().max(RLIMIT_FSIZE);
    }

    /** RLIMIT_NOFILE. */
    public static long openFiles(Task task) {
        return task.threadGroup().limits().max(RLIMIT_NOFILE);
    }

    private Limits() {}
}
