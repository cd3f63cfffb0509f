package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.E2BIG;
import static dev.thaw.abi.Errno.ENAMETOOLONG;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Fcntl;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.TaskExec;
import dev.thaw.sentry.kernel.TaskExit;
import java.util.ArrayList;
import java.util.List;

/** execve, execveat, exit, exit_group. */
final class ExecSyscalls {
    private static final int PATH_MAX = 4096;
    private static final int MAX_STRING = 131_072;
    private static final long MAX_TOTAL = 2L << 20;

    static long execve(Task task, SyscallArgs args) throws ErrnoException {
        String path = task.mm().copyInString(args.addr(0), PATH_MAX);
        return exec(task, path, Fcntl.AT_FDCWD, 0, args.addr(1), args.addr(2));
    }

    static long execveat(Task task, SyscallArgs args) throws ErrnoException {
        String path = task.mm().copyInString(args.addr(1), PATH_MAX);
        return exec(task, path, args.int32(0), args.int32(4), args.addr(2), args.addr(3));
    }

    private static long exec(Task task, String path, int dirFd, int flags, long argv, long envp)
            throws ErrnoException {
        long[] budget = {MAX_TOTAL};
        List<String> arguments = strings(task, argv, budget);
        List<String> environment = strings(task, envp, budget);
        if (arguments.isEmpty()) {
            arguments.add(""); // as Linux does since 5.18
        }
        return TaskExec.exec(task, path, dirFd, flags, arguments, environment);
    }

    /** A null-terminated array of strings; null stands for an empty one. */
    private static List<String> strings(Task task, long array, long[] budget)
            throws ErrnoException {
        List<String> list = new ArrayList<>();
        if (array == 0) {
            return list;
        }
        while (true) {
            long pointer = task.mm().readLong(array + 8L * list.size());
            if (pointer == 0) {
                return list;
            }
            String string;
            try {
                string = task.mm().copyInString(pointer, MAX_STRING);
            } catch (ErrnoException e) {
                throw e.errno() == ENAMETOOLONG ? errno(E2BIG) : e;
            }
            budget[0] -= string.length() + 9;
            if (budget[0] < 0) {
                throw errno(E2BIG);
            }
            list.add(string);
        }
    }

    static long exit(Task task, SyscallArgs args) {
        TaskExit.exitTask(task, TaskExit.statusOf(args.int32(0)));
        return 0;
    }

    static long exitGroup(Task task, SyscallArgs args) {
        TaskExit.exitGroup(task, TaskExit.statusOf(args.int32(0)));
        return 0;
    }

    private ExecSyscalls() {}
}
