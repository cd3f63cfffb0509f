package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Clone.*;
import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Signals;
import dev.thaw.platform.Registers;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.signal.AlternateStack;
import dev.thaw.sentry.signal.SignalHandlers;
import dev.thaw.sentry.vfs.FdTable;
import org.jspecify.annotations.Nullable;

/** clone(2), clone3(2), fork(2), vfork(2). */
public final class TaskClone {
    private static final long NAMESPACES =
            (CLONE_NEWNS
                            | CLONE_NEWCGROUP
                            | CLONE_NEWUTS
                            | CLONE_NEWIPC
                            | CLONE_NEWUSER
                            | CLONE_NEWPID
                            | CLONE_NEWNET)
                    & 0xffffffffL;

    /** What the caller asks for (Linux: {@code struct kernel_clone_args}); {@code stack} 0 keeps the stack pointer. */
    public record Arguments(
            long flags, int exitSignal, long stack, long parentTid, long childTid, long tls) {}

    /** Makes the child and returns its id. */
    public static long clone(Task parent, Arguments args) throws ErrnoException {
        long flags = args.flags();
        check(parent, flags, args.exitSignal());
        Kernel kernel = parent.kernel();
        ThreadGroup group = parent.threadGroup();
        boolean thread = (flags & CLONE_THREAD) != 0;

        MemoryManager mm = (flags & CLONE_VM) != 0 ? parent.mm().acquire() : parent.mm().fork();
        FdTable fds = (flags & CLONE_FILES) != 0 ? parent.fds().acquire() : parent.fds().fork();
        byte[] fp = parent.runLoop.copyFp();

        Task child = null;
        KernelLock lock = kernel.tasks().lock();
        lock.lock();
        try {
            int tid =
                    kernel.pidsExhaustedLocked() || group.exiting
                            ? 0
                            : kernel.tasks().allocateIdLocked();
            if (tid != 0) {
                ThreadGroup home = thread ? group : newGroupLocked(parent, tid, flags);
                child = new Task(kernel, home, tid, parent.credentials());
                child.setMm(mm);
                child.setFds(fds);
                child.setFs((flags & CLONE_FS) != 0 ? parent.fs() : parent.fs().fork());
                prepare(parent, child, args, fp);
                home.addTaskLocked(child);
                if (!thread) {
                    home.leader = child;
                    home.exitSignal = args.exitSignal();
                    kernel.tasks().putGroupLocked(home);
                    ThreadGroup above = home.parent;
                    if (above != null) {
                        above.children.add(home);
                    }
                } else if (group.stopping || group.stopped) {
                    child.addWork(Task.WORK_STOP);
                }
                kernel.tasks().putTaskLocked(tid, child);
                if (kernel.isPaused()) {
                    child.addWork(Task.WORK_PAUSE);
                }
                child.signals().recalculateLocked();
                if ((flags & CLONE_VFORK) != 0) {
                    child.vforkParent = parent;
                    parent.waitsForVfork = true;
                }
            }
        } finally {
            lock.unlock();
        }
        if (child == null) {
            mm.close();
            fds.release();
            throw errno(EAGAIN);
        }
        int tid = child.tid();
        if ((flags & CLONE_PARENT_SETTID) != 0) {
            writeQuietly(parent, args.parentTid(), tid);
        }
        if ((flags & CLONE_CHILD_SETTID) != 0) {
            Task started = child;
            child.runLoop.firstAction = () -> writeQuietly(started, args.childTid(), tid);
        }
        kernel.startThread(child);
        return tid;
    }

    private static void check(Task parent, long flags, int exitSignal) throws ErrnoException {
        if ((flags & CLONE_SIGHAND) != 0 && (flags & CLONE_VM) == 0
                || (flags & CLONE_THREAD) != 0 && (flags & CLONE_SIGHAND) == 0
                || (flags & CLONE_CLEAR_SIGHAND) != 0 && (flags & CLONE_SIGHAND) != 0
                || exitSignal < 0
                || exitSignal > Signals.SIGRTMAX
                || (flags & CLONE_PARENT) != 0 && parent.threadGroup().pid() == 1) {
            throw errno(EINVAL);
        }
        if ((flags & NAMESPACES) != 0) {
            throw errno(EPERM); // one set of namespaces for each sandbox
        }
        if ((flags & (CLONE_PIDFD | CLONE_INTO_CGROUP)) != 0) {
            throw errno(EINVAL);
        }
    }

    private static ThreadGroup newGroupLocked(Task parent, int pid, long flags) {
        ThreadGroup from = parent.threadGroup();
        SignalHandlers handlers =
                (flags & CLONE_SIGHAND) != 0 ? from.handlers : from.handlers.fork();
        if ((flags & CLONE_CLEAR_SIGHAND) != 0) {
            handlers.reset();
        }
        ThreadGroup group =
                new ThreadGroup(
                        parent.kernel(),
                        pid,
                        handlers,
                        from.limits.fork(),
                        parent.kernel().clock().boottime());
        ThreadGroup above = (flags & CLONE_PARENT) != 0 ? from.parent : from;
        group.parent = above;
        group.processGroup = from.processGroup;
        group.session = from.session;
        group.dumpable = from.dumpable;
        group.renewRandom = from.renewRandom;
        group.nice = from.nice;
        group.oomScoreAdjust = from.oomScoreAdjust;
        return group;
    }

    private static void prepare(Task parent, Task child, Arguments args, byte[] fp) {
        long flags = args.flags();
        Registers regs = child.registers();
        regs.set(parent.registers());
        regs.rax = 0;
        regs.origRax = -1;
        if (args.stack() != 0) {
            regs.rsp = args.stack();
        }
        if ((flags & CLONE_SETTLS) != 0) {
            regs.fsBase = args.tls();
        }
        child.runLoop.inheritFp(fp);
        child.setName(parent.name());
        child.exitSignal = (flags & CLONE_THREAD) != 0 ? -1 : args.exitSignal();
        child.noNewPrivileges = parent.noNewPrivileges;
        child.keepCapabilities = parent.keepCapabilities;
        child.secureBits = parent.secureBits;
        child.signals().copyMaskFrom(parent.signals());
        if ((flags & CLONE_VM) == 0 || (flags & CLONE_VFORK) != 0) {
            child.signals().setAlternateStack(parent.signals().alternateStack());
        } else {
            child.signals().setAlternateStack(AlternateStack.NONE);
        }
        if ((flags & CLONE_CHILD_CLEARTID) != 0) {
            child.clearChildTid = args.childTid();
        }
    }

    private static void writeQuietly(Task task, long address, int value) {
        try {
            task.mm().writeInt(address, value);
        } catch (ErrnoException e) {
            // Linux ignores a bad address here too.
        }
    }

    /** Lets the parent of a vfork go on: {@code child} has a memory of its own now, or none. */
    static void releaseVfork(Task child) {
        Task parent = child.vforkParent;
        if (parent != null) {
            child.vforkParent = null;
            parent.waitsForVfork = false;
            parent.waiter().wake(0);
        }
    }

    /** The vfork child of {@code parent} if it waits for one; for checkpoints. */
    static @Nullable Task vforkChild(Task parent) {
        for (ThreadGroup group : parent.kernel().tasks().groups()) {
            for (Task task : group.tasks) {
                if (task.vforkParent == parent) {
                    return task;
                }
            }
        }
        return null;
    }

    private TaskClone() {}
}
