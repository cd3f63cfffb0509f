package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Fcntl;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.loader.Program;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.signal.SignalHandlers;
import dev.thaw.sentry.vfs.FsContext;

/** Makes processes that come from outside. */
final class TaskStart {
    static ThreadGroup create(Kernel kernel, ProcessSpec spec, boolean first)
            throws ErrnoException {
        TaskSet tasks = kernel.tasks();
        KernelLock lock = tasks.lock();
        ResourceLimits limits = new ResourceLimits();
        limits.setAll(spec.rlimits());
        ThreadGroup group;
        Task task;
        lock.lock();
        try {
            int pid = kernel.pidsExhaustedLocked() ? 0 : tasks.allocateIdLocked();
            if (pid == 0) {
                throw errno(EAGAIN);
            }
            group =
                    new ThreadGroup(
                            kernel, pid, new SignalHandlers(), limits, kernel.clock().boottime());
            group.processGroup = pid;
            group.session = pid;
            group.unkillable = first;
            task = new Task(kernel, group, pid, spec.credentials());
            group.leader = task;
            group.addTaskLocked(task);
            if (kernel.isPaused()) {
                task.addWork(Task.WORK_PAUSE);
            }
            tasks.putTaskLocked(pid, task);
            tasks.putGroupLocked(group);
        } finally {
            lock.unlock();
        }
        boolean loaded = false;
        try {
            task.setFds(spec.fds());
            task.setFs(FsContext.atRoot(spec.mounts()));
            ProgramFile.enterDirectory(task, spec.cwd());
            String path = ProgramFile.search(task, spec.argv().getFirst(), spec.env());
            Program program =
                    ProgramFile.load(task, Fcntl.AT_FDCWD, path, 0, spec.argv(), spec.env())
                            .program();
            task.setMm(program.mm());
            TaskExec.enter(task, program);
            loaded = true;
        } finally {
            if (!loaded) {
                lock.lock();
                try {
                    group.removeTaskLocked(task);
                    group.dead = true;
                    tasks.removeGroupLocked(group);
                } finally {
                    lock.unlock();
                }
            }
        }
        if (first) {
            kernel.init = group;
        }
        return group;
    }

    private TaskStart() {}
}
