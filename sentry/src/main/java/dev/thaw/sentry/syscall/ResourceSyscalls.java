package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.abi.Resource.*;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.ResourceLimits;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;

/** Limits, usage, priorities. */
final class ResourceSyscalls {
    private static final int CAP_SYS_RESOURCE = 24;
    private static final int CAP_SYS_NICE = 23;
    private static final int RUSAGE_SIZE = 144;

    static long getrlimit(Task task, SyscallArgs args) throws ErrnoException {
        int resource = resource(args.int32(0));
        write(task, args.addr(1), task.threadGroup().limits(), resource);
        return 0;
    }

    static long setrlimit(Task task, SyscallArgs args) throws ErrnoException {
        set(task, task.threadGroup(), resource(args.int32(0)), args.addr(1));
        return 0;
    }

    /** prlimit64(2): pid, resource, new, old. */
    static long prlimit64(Task task, SyscallArgs args) throws ErrnoException {
        int pid = args.int32(0);
        int resource = resource(args.int32(1));
        ThreadGroup target = task.threadGroup();
        if (pid != 0) {
            Task found = task.kernel().tasks().task(pid);
            if (found == null) {
                throw errno(ESRCH);
            }
            target = found.threadGroup();
            Credentials c = task.credentials();
            Credentials t = found.credentials();
            boolean same =
                    c.uid() == t.uid()
                            && c.uid() == t.euid()
                            && c.uid() == t.suid()
                            && c.gid() == t.gid()
                            && c.gid() == t.egid()
                            && c.gid() == t.sgid();
            if (target != task.threadGroup() && !same && !c.has(CAP_SYS_RESOURCE)) {
                throw errno(EPERM);
            }
        }
        ResourceLimits limits = target.limits();
        long soft = limits.soft(resource);
        long hard = limits.hard(resource);
        if (args.addr(2) != 0) {
            set(task, target, resource, args.addr(2));
        }
        if (args.addr(3) != 0) {
            task.mm().writeLong(args.addr(3), soft);
            task.mm().writeLong(args.addr(3) + 8, hard);
        }
        return 0;
    }

    private static int resource(int resource) throws ErrnoException {
        if (resource < 0 || resource >= RLIMIT_NLIMITS) {
            throw errno(EINVAL);
        }
        return resource;
    }

    private static void write(Task task, long address, ResourceLimits limits, int resource)
            throws ErrnoException {
        task.mm().writeLong(address, limits.soft(resource));
        task.mm().writeLong(address + 8, limits.hard(resource));
    }

    private static void set(Task task, ThreadGroup target, int resource, long address)
            throws ErrnoException {
        long soft = task.mm().readLong(address);
        long hard = task.mm().readLong(address + 8);
        if (Long.compareUnsigned(soft, hard) > 0) {
            throw errno(EINVAL);
        }
        if (Long.compareUnsigned(hard, target.limits().hard(resource)) > 0
                && !task.credentials().has(CAP_SYS_RESOURCE)) {
            throw errno(EPERM);
        }
        if (resource == RLIMIT_NOFILE && Long.compareUnsigned(hard, 1 << 20) > 0) {
            throw errno(EPERM);
        }
        target.limits().set(resource, soft, hard);
        if (resource == RLIMIT_STACK || resource == RLIMIT_DATA || resource == RLIMIT_AS) {
            for (Task each : target.tasks()) {
                var mm = each.mmOrNull();
                if (mm != null) {
                    mm.setLimits(
                            target.limits().max(RLIMIT_STACK),
                            target.limits().max(RLIMIT_DATA),
                            target.limits().max(RLIMIT_AS));
                    break;
                }
            }
        }
    }

    static long getrusage(Task task, SyscallArgs args) throws ErrnoException {
        ThreadGroup group = task.threadGroup();
        switch (args.int32(0)) {
            case RUSAGE_SELF ->
                    writeUsage(task, args.addr(1), group.userTime(), group.systemTime());
            case RUSAGE_CHILDREN ->
                    writeUsage(task, args.addr(1), group.childUserTime(), group.childSystemTime());
            case RUSAGE_THREAD ->
                    writeUsage(task, args.addr(1), task.userTime(), task.systemTime());
            default -> throw errno(EINVAL);
        }
        return 0;
    }

    /** {@code struct rusage}: only the two times are known. */
    static void writeUsage(Task task, long address, long userTime, long systemTime)
            throws ErrnoException {
        byte[] b = new byte[RUSAGE_SIZE];
        Guest.putLong(b, 0, userTime / Guest.SECOND);
        Guest.putLong(b, 8, userTime % Guest.SECOND / 1000);
        Guest.putLong(b, 16, systemTime / Guest.SECOND);
        Guest.putLong(b, 24, systemTime % Guest.SECOND / 1000);
        task.mm().copyOutBytes(address, b);
    }

    /** getpriority(2): the raw call answers 20 - nice. */
    static long getpriority(Task task, SyscallArgs args) throws ErrnoException {
        int best = -1;
        for (ThreadGroup group : task.kernel().tasks().groups()) {
            if (selected(task, group, args.int32(0), args.int32(1))) {
                best = Math.max(best, 20 - group.nice());
            }
        }
        if (best < 0) {
            throw errno(ESRCH);
        }
        return best;
    }

    static long setpriority(Task task, SyscallArgs args) throws ErrnoException {
        int nice = Math.clamp(args.int32(2), -20, 19);
        boolean any = false;
        for (ThreadGroup group : task.kernel().tasks().groups()) {
            if (selected(task, group, args.int32(0), args.int32(1))) {
                if (nice < group.nice() && !task.credentials().has(CAP_SYS_NICE)) {
                    throw errno(dev.thaw.abi.Errno.EACCES);
                }
                group.setNice(nice);
                any = true;
            }
        }
        if (!any) {
            throw errno(ESRCH);
        }
        return 0;
    }

    private static boolean selected(Task task, ThreadGroup group, int which, int who)
            throws ErrnoException {
        return switch (which) {
            case PRIO_PROCESS -> {
                if (who == 0) {
                    yield group == task.threadGroup();
                }
                Task target = task.kernel().tasks().task(who);
                yield target != null && target.threadGroup() == group;
            }
            case PRIO_PGRP ->
                    group.processGroup() == (who == 0 ? task.threadGroup().processGroup() : who);
            case PRIO_USER ->
                    group.leader().credentials().uid()
                            == (who == 0 ? task.credentials().uid() : who);
            default -> throw errno(EINVAL);
        };
    }

    private ResourceSyscalls() {}
}
