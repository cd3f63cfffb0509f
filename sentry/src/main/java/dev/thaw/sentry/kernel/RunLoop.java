package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Errno.ENOSYS;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Signals;
import dev.thaw.platform.GuestThread;
import dev.thaw.platform.Registers;
import dev.thaw.platform.StopReason;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.strace.Strace;
import dev.thaw.sentry.syscall.Amd64;
import dev.thaw.sentry.syscall.SyscallArgs;
import dev.thaw.sentry.syscall.SyscallHandler;
import dev.thaw.sentry.syscall.SyscallTable;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What a task's Java thread does: run guest code, answer its calls, and at the safe point between the two do what others asked of the task.
 *
 * <p>An interrupted system call (result {@code -ERESTART…}) stays in {@link #restartCode} while the safe point is passed. When a handler is to run, Linux's rules decide what its frame returns to. When
 * none is, the call is made again here, without return to the guest; so at the safe point registers, floating-point state, the time left ({@link #callDeadline}) and the bytes moved ({@link #callProgress}) are all there is to save.
 */
final class RunLoop implements Runnable {
    private static final System.Logger LOG = System.getLogger("dev.thaw.sentry.kernel");
    private static final SyscallTable TABLE = Amd64.TABLE;
    private static final long GENERAL_PROTECTION = 13;
    private static final long NO_DEADLINE = Long.MIN_VALUE;

    private final Task task;
    final Registers registers = new Registers();
    private final SyscallArgs args = new SyscallArgs();

    /** The guest thread of the current address space; made and closed by the task's thread. */
    private volatile @Nullable GuestThread guest;

    private volatile boolean inGuest;

    /** Floating-point state to start or go on with, or null: as the guest thread has it. Task-owned. */
    private byte @Nullable [] fpState;

    /** Whether the next guest thread starts with a fresh program's floating-point state. */
    private boolean freshFp = true;

    /** The restart code (positive) of a call that was interrupted, or 0. Task-owned; read while paused. */
    int restartCode;

    private long callDeadline = NO_DEADLINE;

    /** Bytes that an interrupted call has moved already and that count in its result. Task-owned; read while paused. */
    long callProgress;

    private volatile boolean safe;

    /** Runs on the thread before the first instruction (CLONE_CHILD_SETTID). */
    @Nullable Runnable firstAction;

    RunLoop(Task task) {
        this.task = task;
    }

    @Override
    public void run() {
        Task.setCurrent(task);
        Thread.currentThread().setName("task-" + task.tid());
        task.blocker().setThread(Thread.currentThread());
        task.kernel().ticker().taskUnblocks();
        try {
            Runnable first = firstAction;
            if (first != null) {
                firstAction = null;
                first.run();
            }
            loop();
        } catch (Throwable t) {
            task.kernel().crash(task, t);
        } finally {
            try {
                closeGuest();
                TaskExit.exit(task);
            } catch (Throwable t) {
                task.kernel().crash(task, t);
            } finally {
                task.kernel().ticker().taskBlocks();
                Task.setCurrent(null);
                task.kernel().taskThreadEnded();
            }
        }
    }

    private void loop() {
        if (restartCode != 0 && !redispatch()) {
            return;
        }
        while (true) {
            if ((task.work() != 0 || task.waitsForVfork) && !passSafePoint()) {
                return;
            }
            GuestThread current = guestThread();
            if (current == null) {
                return;
            }
            inGuest = true;
            if (task.work() != 0) {
                inGuest = false;
                continue;
            }
            StopReason reason = current.run(registers);
            inGuest = false;
            switch (reason) {
                case SYSCALL -> {
                    if (!systemCall()) {
                        return;
                    }
                }
                case FAULT -> fault(current);
                case INTERRUPTED -> registers.origRax = -1;
                case DEAD -> {
                    LOG.log(System.Logger.Level.WARNING, "{0}: guest thread died", task);
                    task.kernel().signals().killGroup(task.threadGroup(), Signals.SIGKILL);
                    return;
                }
            }
        }
    }

    /** Answers the system call in the registers. Returns false when the task is to exit. */
    private boolean systemCall() {
        callDeadline = NO_DEADLINE;
        callProgress = 0;
        CallTrap trap = task.kernel().trap();
        if (trap != null && trap.count()) {
            restartCode = Errno.ERESTARTNOINTR;
            task.kernel().beginPause();
            trap.spring();
            return redispatch();
        }
        long result = dispatch();
        if (result >= -(Errno.ERESTART_RESTARTBLOCK) && result <= -Errno.ERESTARTSYS) {
            restartCode = (int) -result;
            return redispatch();
        }
        finish(result);
        return true;
    }

    private void finish(long result) {
        if (result != Task.NO_RESULT) {
            registers.rax = result;
        }
        if (task.signals().hasTemporaryMask()) {
            if (task.work() == 0 || !task.signals().deliverable()) {
                task.signals().endTemporaryMask();
            }
        }
    }

    /** Passes the safe point with an interrupted call and makes it again until it has a result or a handler takes over. Returns false when the task is to exit. */
    private boolean redispatch() {
        while (restartCode != 0) {
            if (!passSafePoint()) {
                return false;
            }
            if (restartCode == 0) {
                return true; // a handler's frame has taken it
            }
            restartCode = 0;
            task.signals().endTemporaryMask();
            long result = dispatch();
            if (result >= -(Errno.ERESTART_RESTARTBLOCK) && result <= -Errno.ERESTARTSYS) {
                restartCode = (int) -result;
            } else {
                finish(result);
            }
        }
        return true;
    }

    private long dispatch() {
        Registers regs = registers;
        long number = regs.origRax;
        args.set(regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9);
        SyscallTable.Row row = TABLE.row(number);
        SyscallHandler handler = row == null ? null : row.handler();
        Strace strace = task.kernel().strace();
        if (strace != null) {
            strace.enter(task, row, number, regs);
        }
        long result;
        if (handler == null) {
            result = row == null ? -ENOSYS : -row.errno();
            task.kernel().unimplemented(task, row, number);
        } else {
            try {
                result = handler.call(task, args);
            } catch (ErrnoException e) {
                result = -e.errno();
            }
        }
        if (strace != null) {
            strace.exit(task, row, number, result);
        }
        return result;
    }

    private void fault(GuestThread current) {
        registers.origRax = -1;
        int signal = current.faultSignal();
        int code = current.faultCode();
        long address = current.faultAddress();
        boolean paging =
                (signal == Signals.SIGSEGV || signal == Signals.SIGBUS)
                        && current.trapNumber() != GENERAL_PROTECTION;
        if (paging) {
            SignalInfo info = MemorySeam.handleFault(task, current, address, current.faultAccess());
            if (info == null) {
                return;
            }
            logFault(signal, address);
            task.kernel().signals().force(task, info, current.trapNumber(), current.errorCode());
            return;
        }
        logFault(signal, address);
        task.kernel()
                .signals()
                .force(
                        task,
                        SignalInfo.fault(signal, code, address),
                        current.trapNumber(),
                        current.errorCode());
    }

    private void logFault(int signal, long address) {
        if (LOG.isLoggable(System.Logger.Level.DEBUG)) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "{0}: signal {1} at {2}: {3}",
                    task,
                    signal,
                    Long.toHexString(address),
                    Strace.describe(registers));
        }
    }

    /** Does what is asked of the task until nothing is. Returns false when it is to exit. */
    private boolean passSafePoint() {
        while (true) {
            int work = task.work();
            if ((work & Task.WORK_KILL) != 0) {
                return false;
            }
            if ((work & Task.WORK_PAUSE) != 0) {
                pausePark();
            } else if (task.waitsForVfork) {
                task.waiter().clear();
                if (task.waitsForVfork) {
                    task.block(Task.WORK_KILL | Task.WORK_PAUSE, Long.MAX_VALUE);
                }
            } else if ((work & Task.WORK_STOP) != 0) {
                task.kernel().jobControl().stopTask(task);
            } else if ((work & Task.WORK_SIGNAL) != 0) {
                if (!SignalDelivery.deliver(task)) {
                    return false;
                }
            } else {
                if (restartCode == 0) {
                    task.signals().endTemporaryMask();
                }
                return true;
            }
        }
    }

    /** Holds the task at its safe point while the kernel is paused. */
    void pausePark() {
        keepFp();
        safe = true;
        task.kernel().taskIsSafe();
        while (true) {
            task.waiter().clear(); // kernel.resume() wakes it
            int work = task.work();
            if ((work & Task.WORK_PAUSE) == 0 || (work & Task.WORK_KILL) != 0) {
                break;
            }
            task.block(Task.WORK_KILL, Long.MAX_VALUE);
        }
        safe = false;
    }

    boolean isInGuest() {
        return inGuest;
    }

    /** Whether the task waits: no CPU time is charged. */
    boolean isIdle() {
        return task.blocker().isParked();
    }

    boolean isSafe() {
        return safe;
    }

    long deadline(long timeout) {
        if (timeout < 0) {
            return Long.MAX_VALUE;
        }
        if (callDeadline == NO_DEADLINE) {
            long now = task.kernel().clock().monotonic();
            callDeadline = now + timeout < 0 ? Long.MAX_VALUE : now + timeout;
        }
        return callDeadline;
    }

    /** Time left of the interrupted call, or -1 when it has no deadline. */
    long timeLeft(long now) {
        return restartCode == 0 || callDeadline == NO_DEADLINE
                ? -1
                : Math.max(0, callDeadline - now);
    }

    void restore(int restoredCode, long timeLeft, long progress, byte[] fp) {
        restartCode = restoredCode;
        callProgress = Math.max(0, progress);
        if (timeLeft >= 0) {
            long now = task.kernel().clock().monotonic();
            callDeadline = now + timeLeft < 0 ? Long.MAX_VALUE : now + timeLeft;
        }
        inheritFp(fp);
        keptFp = fp; // it may be saved again before it runs
    }

    void interruptGuest() {
        if (inGuest) {
            GuestThread current = guest;
            if (current != null) {
                current.interrupt();
            }
        }
    }

    // Guest thread and floating-point state; all on the task's thread.

    private @Nullable GuestThread guestThread() {
        GuestThread current = guest;
        if (current == null) {
            current = MemorySeam.newGuestThread(task);
            if (current == null) {
                task.kernel().signals().killGroup(task.threadGroup(), Signals.SIGKILL);
                return null;
            }
            byte[] fp = fpState;
            if (freshFp || fp == null) {
                current.resetFp();
            } else {
                current.loadFp(MemorySegment.ofArray(fp));
            }
            fpState = null;
            freshFp = false;
            guest = current;
        }
        return current;
    }

    @Nullable GuestThread guestOrNull() {
        return guest;
    }

    /** Tells the platform that the guest will not run soon. */
    void guestIdles() {
        GuestThread current = guest;
        if (current != null) {
            current.idle();
        }
    }

    /** Takes this thread and the guest's to a processor of the host. */
    void guestMoves(int cpu) {
        GuestThread current = guest;
        if (current != null) {
            current.moveBeside(cpu);
        }
    }

    /** Starts over with a fresh program: the next run makes a guest thread in the task's new address space. */
    void freshProgram() {
        closeGuest();
        freshFp = true;
        fpState = null;
    }

    void closeGuest() {
        GuestThread current = guest;
        guest = null;
        if (current != null) {
            MemoryManager mm = task.mmOrNull();
            if (mm != null) {
                mm.detach();
            }
            current.close();
        }
    }

    /** A copy of the guest's floating-point state as it is now; empty for a program that has not run yet. */
    byte[] copyFp() {
        GuestThread current = guest;
        if (current == null) {
            byte[] fp = fpState;
            return fp == null ? new byte[0] : fp.clone();
        }
        byte[] fp = new byte[current.fpSize()];
        current.saveFp(MemorySegment.ofArray(fp));
        return fp;
    }

    /** The floating-point state for a signal's frame, also of a program that has not run yet. */
    byte[] frameFp() throws ErrnoException {
        if (guest == null && fpState == null) {
            presentGuest();
        }
        return copyFp();
    }

    /** Bytes of a floating-point area on this host. */
    int fpSize() throws ErrnoException {
        return presentGuest().fpSize();
    }

    /** The guest thread, made now if a restored task asks for it before it has run. */
    private GuestThread presentGuest() throws ErrnoException {
        GuestThread current = guestThread();
        if (current == null) {
            throw ErrnoException.errno(Errno.EFAULT);
        }
        return current;
    }

    /** Sets the floating-point state from a signal frame (null: the initial state); EFAULT when the platform finds it bad. */
    void setFp(byte @Nullable [] fp) throws ErrnoException {
        GuestThread current = presentGuest();
        if (fp == null) {
            current.resetFp();
            return;
        }
        try {
            current.loadFp(MemorySegment.ofArray(fp));
        } catch (IllegalArgumentException e) {
            throw ErrnoException.errno(Errno.EFAULT);
        }
    }

    /** What a checkpoint saves: kept at the safe point, since only the task's thread may ask the platform. */
    private byte[] keptFp = new byte[0];

    private void keepFp() {
        keptFp = copyFp();
    }

    byte[] keptFp() {
        return keptFp;
    }

    /** Gives the state to a task that has not started. */
    void inheritFp(byte[] fp) {
        if (fp.length > 0) {
            fpState = fp;
            freshFp = false;
        }
    }
}
