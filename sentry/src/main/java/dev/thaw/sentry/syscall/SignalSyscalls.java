package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINTR;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ERESTARTNOHAND;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.abi.Errno.ETIMEDOUT;
import static dev.thaw.abi.Signals.*;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.SignalReturn;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.signal.AlternateStack;
import dev.thaw.sentry.signal.SignalAction;
import dev.thaw.sentry.signal.SignalHandlers;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.signal.SignalSet;

/** rt_sig*, sigaltstack, kill, tkill, tgkill, pause. */
final class SignalSyscalls {
    private static final int MINSIGSTKSZ = 2048;

    /**
     * rt_sigaction(2).
     *
     * <pre>
     * struct kernel_sigaction { 0 handler 8 flags 16 restorer 24 mask }
     * </pre>
     */
    static long rtSigaction(Task task, SyscallArgs args) throws ErrnoException {
        int signal = args.int32(0);
        if (args.size(3) != 8 || !SignalSet.isValid(signal)) {
            throw errno(EINVAL);
        }
        long newAddress = args.addr(1);
        long oldAddress = args.addr(2);
        SignalHandlers handlers = task.threadGroup().handlers();
        SignalAction next = null;
        if (newAddress != 0) {
            byte[] b = task.mm().copyInBytes(newAddress, 32);
            if (SignalSet.contains(SignalSet.UNBLOCKABLE, signal)) {
                throw errno(EINVAL);
            }
            next =
                    new SignalAction(
                            Guest.getLong(b, 0),
                            Guest.getLong(b, 8),
                            Guest.getLong(b, 16),
                            Guest.getLong(b, 24) & ~SignalSet.UNBLOCKABLE);
        }
        SignalAction old =
                next == null
                        ? handlers.get(signal)
                        : task.kernel().signals().setAction(task, signal, next);
        if (oldAddress != 0) {
            byte[] b = new byte[32];
            Guest.putLong(b, 0, old.handler());
            Guest.putLong(b, 8, old.flags());
            Guest.putLong(b, 16, old.restorer());
            Guest.putLong(b, 24, old.mask());
            task.mm().copyOutBytes(oldAddress, b);
        }
        return 0;
    }

    static long rtSigprocmask(Task task, SyscallArgs args) throws ErrnoException {
        if (args.size(3) != 8) {
            throw errno(EINVAL);
        }
        long old = task.signals().mask();
        if (args.addr(1) != 0) {
            long set = task.mm().readLong(args.addr(1));
            long next =
                    switch (args.int32(0)) {
                        case SIG_BLOCK -> old | set;
                        case SIG_UNBLOCK -> old & ~set;
                        case SIG_SETMASK -> set;
                        default -> throw errno(EINVAL);
                    };
            if (next != old) {
                task.signals().setMask(next);
            }
        }
        if (args.addr(2) != 0) {
            task.mm().writeLong(args.addr(2), old);
        }
        return 0;
    }

    static long rtSigpending(Task task, SyscallArgs args) throws ErrnoException {
        if (args.size(1) < 0 || args.size(1) > 8) {
            throw errno(EINVAL);
        }
        task.mm().writeLong(args.addr(0), task.signals().pendingSet() & task.signals().mask());
        return 0;
    }

    static long rtSigsuspend(Task task, SyscallArgs args) throws ErrnoException {
        if (args.size(1) != 8) {
            throw errno(EINVAL);
        }
        task.setTemporarySignalMask(task.mm().readLong(args.addr(0)));
        return pause(task, args);
    }

    /** pause(2). */
    static long pause(Task task, SyscallArgs args) {
        while (true) {
            task.waiter().clear();
            if (task.block(Long.MAX_VALUE) != 0) {
                return -ERESTARTNOHAND;
            }
        }
    }

    /** rt_sigtimedwait(2): set, siginfo, timeout. */
    static long rtSigtimedwait(Task task, SyscallArgs args) throws ErrnoException {
        if (args.size(3) != 8) {
            throw errno(EINVAL);
        }
        long set = task.mm().readLong(args.addr(0)) & ~SignalSet.UNBLOCKABLE;
        long deadline =
                args.addr(2) == 0
                        ? Long.MAX_VALUE
                        : task.deadline(Guest.readTimespec(task, args.addr(2)));
        task.signals().setWanted(set);
        SignalInfo info;
        try {
            while (true) {
                task.waiter().clear();
                info = task.takeSignal(set);
                if (info != null) {
                    break;
                }
                int blocked = task.block(deadline);
                if (blocked != 0) {
                    info = task.takeSignal(set);
                    if (info != null) {
                        break;
                    }
                    if (blocked == -ETIMEDOUT) {
                        return -EAGAIN;
                    }
                    // A signal outside of the set ends the wait; a pause does not.
                    return task.hasDeliverableSignal() ? -EINTR : blocked;
                }
            }
        } finally {
            task.signals().setWanted(0);
        }
        if (args.addr(1) != 0) {
            task.mm().copyOutBytes(args.addr(1), info.bytes());
        }
        return info.signal();
    }

    static long rtSigqueueinfo(Task task, SyscallArgs args) throws ErrnoException {
        int pid = args.int32(0);
        SignalInfo info = readInfo(task, args.addr(2), args.int32(1));
        if (pid <= 0) {
            throw errno(ESRCH);
        }
        if ((info.code() >= 0 || info.code() == SI_TKILL) && pid != task.threadGroup().pid()) {
            throw errno(EPERM);
        }
        return task.kernel().signals().kill(task, pid, args.int32(1), info);
    }

    static long rtTgsigqueueinfo(Task task, SyscallArgs args) throws ErrnoException {
        int signal = args.int32(2);
        SignalInfo info = readInfo(task, args.addr(3), signal);
        if (args.int32(0) <= 0 || args.int32(1) <= 0) {
            throw errno(EINVAL);
        }
        if ((info.code() >= 0 || info.code() == SI_TKILL) && args.int32(1) != task.tid()) {
            throw errno(EPERM);
        }
        return task.kernel().signals().killThread(task, args.int32(0), args.int32(1), signal, info);
    }

    private static SignalInfo readInfo(Task task, long address, int signal) throws ErrnoException {
        byte[] bytes = task.mm().copyInBytes(address, SignalInfo.SIZE);
        checkSignal(signal);
        return SignalInfo.ofBytes(bytes, signal);
    }

    private static void checkSignal(int signal) throws ErrnoException {
        if (signal < 0 || signal > SIGRTMAX) {
            throw errno(EINVAL);
        }
    }

    static long kill(Task task, SyscallArgs args) throws ErrnoException {
        int signal = args.int32(1);
        checkSignal(signal);
        int pid = args.int32(0);
        if (pid == Integer.MIN_VALUE) {
            throw errno(ESRCH);
        }
        return task.kernel()
                .signals()
                .kill(
                        task,
                        pid,
                        signal,
                        SignalInfo.from(
                                signal,
                                SI_USER,
                                task.threadGroup().pid(),
                                task.credentials().uid()));
    }

    static long tkill(Task task, SyscallArgs args) throws ErrnoException {
        return tgkill(task, -1, args.int32(0), args.int32(1));
    }

    static long tgkill(Task task, SyscallArgs args) throws ErrnoException {
        if (args.int32(0) <= 0) {
            throw errno(EINVAL);
        }
        return tgkill(task, args.int32(0), args.int32(1), args.int32(2));
    }

    private static long tgkill(Task task, int tgid, int tid, int signal) throws ErrnoException {
        checkSignal(signal);
        if (tid <= 0) {
            throw errno(EINVAL);
        }
        return task.kernel()
                .signals()
                .killThread(
                        task,
                        tgid,
                        tid,
                        signal,
                        SignalInfo.from(
                                signal,
                                SI_TKILL,
                                task.threadGroup().pid(),
                                task.credentials().uid()));
    }

    static long rtSigreturn(Task task, SyscallArgs args) {
        return SignalReturn.call(task);
    }

    /**
     * sigaltstack(2).
     *
     * <pre>
     * stack_t { 0 ss_sp 8 ss_flags 16 ss_size }
     * </pre>
     */
    static long sigaltstack(Task task, SyscallArgs args) throws ErrnoException {
        AlternateStack old = task.signals().alternateStack();
        long sp = task.registers().rsp;
        if (args.addr(0) != 0) {
            byte[] b = task.mm().copyInBytes(args.addr(0), 24);
            int flags = Guest.getInt(b, 8);
            int mode = flags & ~AlternateStack.AUTODISARM;
            if (old.contains(sp)) {
                throw errno(EPERM);
            }
            if (mode == SS_DISABLE) {
                task.signals().setAlternateStack(AlternateStack.NONE);
            } else if (mode == 0 || mode == SS_ONSTACK) {
                long size = Guest.getLong(b, 16);
                if (Long.compareUnsigned(size, MINSIGSTKSZ) < 0) {
                    throw errno(ENOMEM);
                }
                task.signals()
                        .setAlternateStack(
                                new AlternateStack(
                                        Guest.getLong(b, 0),
                                        flags & AlternateStack.AUTODISARM,
                                        size));
            } else {
                throw errno(EINVAL);
            }
        }
        if (args.addr(1) != 0) {
            byte[] b = new byte[24];
            Guest.putLong(b, 0, old.base());
            Guest.putInt(b, 8, old.statusAt(sp));
            Guest.putLong(b, 16, old.size());
            task.mm().copyOutBytes(args.addr(1), b);
        }
        return 0;
    }

    private SignalSyscalls() {}
}
