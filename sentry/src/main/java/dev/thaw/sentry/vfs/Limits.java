package dev.thaw.sentry.vfs;

<<<<<<< HEAD
import static dev.thaw.abi.Resource.RLIMIT_FSIZE;
import static dev.thaw.abi.Resource.RLIMIT_NOFILE;

=======
import dev.thaw.abi.Resource;
>>>>>>> ec2c34d (sentry/syscall: Process, signal, time, identity calls)
import dev.thaw.sentry.kernel.Task;

/** The resource limits that files know. */
public final class Limits {
    /** RLIMIT_FSIZE, {@link Long#MAX_VALUE} for none. */
    public static long fileSize(Task task) {
<<<<<<< HEAD
        return task.threadGroup().limits().max(RLIMIT_FSIZE);
=======
        return task.threadGroup().limits().max(Resource.RLIMIT_FSIZE);
>>>>>>> ec2c34d (sentry/syscall: Process, signal, time, identity calls)
    }

    /** RLIMIT_NOFILE. */
    public static long openFiles(Task task) {
<<<<<<< HEAD
        return task.threadGroup().limits().max(RLIMIT_NOFILE);
=======
        return task.threadGroup().limits().max(Resource.RLIMIT_NOFILE);
>>>>>>> ec2c34d (sentry/syscall: Process, signal, time, identity calls)
    }

    private Limits() {}
}
