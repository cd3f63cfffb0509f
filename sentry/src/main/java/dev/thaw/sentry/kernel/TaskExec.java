package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINTR;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Signals;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.loader.Program;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.signal.AlternateStack;
import dev.thaw.sentry.vfs.FdTable;
import java.util.List;

/** execve(2): loads the program first; only then ends the other threads and takes over the process. */
public final class TaskExec {
    /** Replaces the program of {@code task}. Returns {@link Task#NO_RESULT}; throws what the guest gets while it still has its old program. */
    public static long exec(
            Task task, String path, int dirFd, int flags, List<String> argv, List<String> env)
            throws ErrnoException {
        ProgramFile.Loaded loaded = ProgramFile.load(task, dirFd, path, flags, argv, env);
        Program program = loaded.program();
        if (!becomeOnlyTask(task)) {
            program.mm().close();
            throw errno(task.threadGroup().exiting ? EINTR : EAGAIN);
        }
        MemoryManager old = task.mm();
        TaskExit.releaseUserState(task);
        task.runLoop.closeGuest();
        task.setMm(program.mm());
        TaskClone.releaseVfork(task);
        old.close();

        FdTable fds = task.fds();
        if (fds.isShared()) {
            FdTable own = fds.fork();
            task.setFds(own);
            fds.release();
        }
        task.fds().closeForExec();

        ThreadGroup group = task.threadGroup();
        KernelLock lock = task.kernel().tasks().lock();
        lock.lock();
        try {
            group.handlers = group.handlers.fork(); // shared ones stay with the others
            group.handlers.reset();
            group.hasExeced = true;
            group.renewRandom = false;
            group.dumpable = true;
            task.exitSignal = Signals.SIGCHLD;
            group.exitSignal = Signals.SIGCHLD;
        } finally {
            lock.unlock();
        }
        group.timers().clearPosixTimers();
        task.signals().setAlternateStack(AlternateStack.NONE);
        task.parentDeathSignal = 0;
        task.keepCapabilities = false;
        task.setCredentials(CredentialRules.afterExec(task, loaded.setUid(), loaded.setGid()));
        enter(task, program);
        return Task.NO_RESULT;
    }

    /** Points a task whose memory is the program's at its first instruction. */
    static void enter(Task task, Program program) {
        task.setName(program.name());
        task.registers().set(program.registers());
        task.registers().origRax = -1;
        task.runLoop.freshProgram();
    }

    /** Ends the other tasks of the process and waits until they are gone; the caller then has the process's id. False when the process is to exit. */
    private static boolean becomeOnlyTask(Task task) {
        ThreadGroup group = task.threadGroup();
        KernelLock lock = task.kernel().tasks().lock();
        lock.lock();
        try {
            if (group.exiting || group.execTask != null) {
                return false;
            }
            if (group.tasks.length == 1 && group.leader == task) {
                return true;
            }
            group.execTask = task;
            for (Task other : group.tasks) {
                if (other != task) {
                    other.addWork(Task.WORK_KILL);
                }
            }
        } finally {
            lock.unlock();
        }
        while (true) {
            task.waiter().clear();
            lock.lock();
            try {
                if (group.exiting) {
                    group.execTask = null;
                    return false;
                }
                if (group.tasks.length == 1) {
                    group.execTask = null;
                    takeLeadership(task, group);
                    return true;
                }
            } finally {
                lock.unlock();
            }
            task.block(Task.WORK_KILL, Long.MAX_VALUE);
        }
    }

    private static void takeLeadership(Task task, ThreadGroup group) {
        if (group.leader != task) {
            TaskSet tasks = task.kernel().tasks();
            tasks.removeTaskLocked(task.tid());
            task.setTid(group.pid());
            tasks.putTaskLocked(group.pid(), task);
            group.leader = task;
        }
    }

    private TaskExec() {}
}
