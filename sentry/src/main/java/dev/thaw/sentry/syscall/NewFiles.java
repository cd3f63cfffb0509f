package dev.thaw.sentry.syscall;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.FileDescription;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Descriptors for files that a call made. */
final class NewFiles {
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    /** Gives {@code file} the lowest free descriptor; closes it when there is none. */
    static int install(Task task, FileDescription file, boolean closeOnExec) throws ErrnoException {
        boolean installed = false;
        try {
            int fd = task.fds().install(file, 0, closeOnExec, limit(task));
            installed = true;
            return fd;
        } finally {
            if (!installed) {
                file.close();
            }
        }
    }

    /** Gives both files descriptors and writes them to the {@code int[2]} at {@code address}; none is left open when one of the three fails. */
    static void installPair(
            Task task,
            FileDescription first,
            FileDescription second,
            boolean closeOnExec,
            long address)
            throws ErrnoException {
        int fd0;
        try {
            fd0 = install(task, first, closeOnExec);
        } catch (ErrnoException e) {
            second.close();
            throw e;
        }
        int fd1 = -1;
        boolean done = false;
        try {
            fd1 = install(task, second, closeOnExec);
            byte[] pair = new byte[8];
            INT.set(pair, 0, fd0);
            INT.set(pair, 4, fd1);
            task.mm().copyOutBytes(address, pair);
            done = true;
        } finally {
            if (!done) {
                task.fds().close(fd0);
                if (fd1 >= 0) {
                    task.fds().close(fd1);
                }
            }
        }
    }

    /** RLIMIT_NOFILE of the task. */
    static long limit(Task task) {
        return dev.thaw.sentry.vfs.Limits.openFiles(task);
    }

    private NewFiles() {}
}
