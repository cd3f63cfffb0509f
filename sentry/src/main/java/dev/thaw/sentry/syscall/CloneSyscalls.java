package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Clone.*;
import static dev.thaw.abi.Errno.E2BIG;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.TaskClone;

/** clone, clone3, fork, vfork, unshare. */
final class CloneSyscalls {
    /** clone(2): flags and exit signal, stack, parent tid, child tid, tls. */
    static long clone(Task task, SyscallArgs args) throws ErrnoException {
        long flags = args.int64(0) & 0xffffff00L;
        int exitSignal = (int) args.int64(0) & 0xff;
        return TaskClone.clone(
                task,
                new TaskClone.Arguments(
                        flags, exitSignal, args.addr(1), args.addr(2), args.addr(3), args.addr(4)));
    }

    static long fork(Task task, SyscallArgs args) throws ErrnoException {
        return TaskClone.clone(task, new TaskClone.Arguments(0, Signals.SIGCHLD, 0, 0, 0, 0));
    }

    static long vfork(Task task, SyscallArgs args) throws ErrnoException {
        return TaskClone.clone(
                task, new TaskClone.Arguments(CLONE_VM | CLONE_VFORK, Signals.SIGCHLD, 0, 0, 0, 0));
    }

    /**
     * clone3(2).
     *
     * <pre>
     * struct clone_args { 0 flags 8 pidfd 16 child_tid 24 parent_tid 32 exit_signal 40 stack 48 stack_size 56 tls 64 set_tid 72 set_tid_size 80 cgroup }
     * </pre>
     */
    static long clone3(Task task, SyscallArgs args) throws ErrnoException {
        long address = args.addr(0);
        long size = args.size(1);
        if (size < 64) {
            throw errno(size < 0 ? E2BIG : EINVAL);
        }
        if (size > 4096) {
            throw errno(E2BIG);
        }
        byte[] bytes = task.mm().copyInBytes(address, (int) size);
        for (int i = 88; i < size; i++) {
            if (bytes[i] != 0) {
                throw errno(E2BIG);
            }
        }
        long[] words = new long[11];
        for (int i = 0; i < words.length && 8 * i + 8 <= size; i++) {
            words[i] = Guest.getLong(bytes, 8 * i);
        }
        long flags = words[0];
        long stack = words[5];
        long stackSize = words[6];
        if ((flags & 0xff & ~CLONE_NEWTIME) != 0
                || (flags & CLONE_DETACHED) != 0
                || (flags >>> 34) != 0
                || (stack == 0) != (stackSize == 0)
                || words[4] < 0
                || words[4] > 64) {
            throw errno(EINVAL);
        }
        if (words[9] != 0) {
            throw errno(EINVAL); // set_tid: only checkpoint tools ask for ids
        }
        return TaskClone.clone(
                task,
                new TaskClone.Arguments(
                        flags & ~(long) CLONE_NEWTIME,
                        (int) words[4],
                        stack == 0 ? 0 : stack + stackSize,
                        words[3],
                        words[2],
                        words[7]));
    }

    /** unshare(2): what tasks share by clone flags; no new namespaces. */
    static long unshare(Task task, SyscallArgs args) throws ErrnoException {
        long flags = args.int32(0) & 0xffffffffL;
        long known =
                CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VM | CLONE_THREAD | CLONE_SYSVSEM;
        if ((flags & ~known) != 0) {
            return -dev.thaw.abi.Errno.EPERM;
        }
        if ((flags & (CLONE_SIGHAND | CLONE_VM | CLONE_THREAD)) != 0
                && task.threadGroup().tasks().length > 1) {
            throw errno(EINVAL);
        }
        if ((flags & CLONE_FS) != 0) {
            task.setFs(task.fs().fork());
        }
        if ((flags & CLONE_FILES) != 0 && task.fds().isShared()) {
            var old = task.fds();
            task.setFds(old.fork());
            old.release();
        }
        return 0;
    }

    private CloneSyscalls() {}
}
