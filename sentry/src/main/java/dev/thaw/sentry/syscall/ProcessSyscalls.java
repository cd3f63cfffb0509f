package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.ProcessTree;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;

/** Process ids, process groups, sessions. */
final class ProcessSyscalls {
    static long getpid(Task task, SyscallArgs args) {
        return task.threadGroup().pid();
    }

    static long gettid(Task task, SyscallArgs args) {
        return task.tid();
    }

    static long getppid(Task task, SyscallArgs args) {
        return task.threadGroup().parentPid();
    }

    static long getpgrp(Task task, SyscallArgs args) {
        return task.threadGroup().processGroup();
    }

    static long getpgid(Task task, SyscallArgs args) throws ErrnoException {
        return find(task, args.int32(0)).processGroup();
    }

    static long getsid(Task task, SyscallArgs args) throws ErrnoException {
        return find(task, args.int32(0)).session();
    }

    private static ThreadGroup find(Task task, int pid) throws ErrnoException {
        if (pid == 0) {
            return task.threadGroup();
        }
        ThreadGroup group = task.kernel().tasks().group(pid);
        if (group == null) {
            throw errno(ESRCH);
        }
        return group;
    }

    static long setpgid(Task task, SyscallArgs args) throws ErrnoException {
        int pid = args.int32(0);
        int processGroup = args.int32(1);
        if (processGroup < 0) {
            throw errno(EINVAL);
        }
        return ProcessTree.setProcessGroup(task, pid, processGroup);
    }

    static long setsid(Task task, SyscallArgs args) throws ErrnoException {
        return ProcessTree.newSession(task);
    }

    private ProcessSyscalls() {}
}
