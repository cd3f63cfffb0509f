package dev.thaw.sentry.kernel;

import dev.thaw.abi.Signals;
import dev.thaw.platform.Registers;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.FsContext;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A thread of a guest program (Linux: {@code struct task_struct}), run by one Java thread.
 *
 * <p>What others want of a task is asked by bits of {@link #work}; whoever sets one kicks the task out of guest code or out of its wait, and the task's own thread does what is asked at the next
 * safe point of its {@link RunLoop}.
 */
public final class Task implements Saveable {
    /** A system call's result when the registers already are as they must be (execve, rt_sigreturn). */
    public static final long NO_RESULT = Long.MIN_VALUE;

    /** Reasons to leave guest code or a wait. */
    static final int WORK_SIGNAL = 1;

    static final int WORK_PAUSE = 2;
    static final int WORK_STOP = 4;
    static final int WORK_KILL = 8;
    static final int WORK_ANY = -1;

    private static final VarHandle WORK;
    private static final ThreadLocal<@Nullable Task> CURRENT = new ThreadLocal<>();

    static {
        try {
            WORK = MethodHandles.lookup().findVarHandle(Task.class, "work", int.class);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private final Kernel kernel;
    private @Nullable ThreadGroup threadGroup;
    private final Blocker blocker;
    private final TaskSignals signals;
    final RunLoop runLoop;
    final FutexWaiter futexWaiter;

    /** User and system time in ns, written by the ticker. */
    final AtomicLong userTime = new AtomicLong();

    final AtomicLong systemTime = new AtomicLong();

    private volatile int tid;
    private volatile @Nullable MemoryManager mm;
    private volatile @Nullable FdTable fds;
    private volatile @Nullable FsContext fs;
    private volatile Credentials credentials;
    private volatile String name = "";
    private volatile int work;

    // Task-owned: written by the task's thread, or before it starts.
    volatile long clearChildTid;
    volatile long robustList;
    volatile int exitSignal;
    volatile int exitStatus;
    volatile int parentDeathSignal;
    volatile boolean noNewPrivileges;
    volatile boolean keepCapabilities;
    volatile int secureBits;
    volatile boolean dead;
    volatile boolean parkedForStop;

    /** Whether it has a Java thread. */
    volatile boolean started;

    /** Whether it came from an image and has no Java thread yet. */
    volatile boolean restored;

    /** The task that waits in vfork(2) for this one to let go of its memory. */
    volatile @Nullable Task vforkParent;

    /** Whether this task's own vfork child still holds its memory. */
    volatile boolean waitsForVfork;

    Task(Kernel kernel, ThreadGroup threadGroup, int tid, Credentials credentials) {
        this(kernel, tid, credentials);
        this.threadGroup = threadGroup;
    }

    /** For a restore, which sets the process later. */
    Task(Kernel kernel, int tid, Credentials credentials) {
        this.kernel = kernel;
        this.tid = tid;
        this.credentials = credentials;
        this.blocker = new Blocker(kernel.clock(), kernel.ticker());
        this.signals = new TaskSignals(this);
        this.runLoop = new RunLoop(this);
        this.futexWaiter = new FutexWaiter(this);
    }

    public Kernel kernel() {
        return kernel;
    }

    /** Guest memory. Absent after exit. */
    public MemoryManager mm() {
        MemoryManager current = mm;
        if (current == null) {
            throw new IllegalStateException("task " + tid + " has exited");
        }
        return current;
    }

    /** Guest memory, or null after exit; for observers such as procfs. */
    public @Nullable MemoryManager mmOrNull() {
        return mm;
    }

    public FdTable fds() {
        FdTable current = fds;
        if (current == null) {
            throw new IllegalStateException("task " + tid + " has exited");
        }
        return current;
    }

    public @Nullable FdTable fdsOrNull() {
        return fds;
    }

    /** Root, working directory, umask. */
    public FsContext fs() {
        FsContext current = fs;
        if (current == null) {
            throw new IllegalStateException("task " + tid + " has exited");
        }
        return current;
    }

    public @Nullable FsContext fsOrNull() {
        return fs;
    }

    /** An immutable snapshot: replace it to change it. */
    public Credentials credentials() {
        return credentials;
    }

    /** Replaces the credentials. Only on the task's thread. */
    public void setCredentials(Credentials next) {
        credentials = next;
    }

    public ThreadGroup threadGroup() {
        ThreadGroup group = threadGroup;
        if (group == null) {
            throw new IllegalStateException("task " + tid + " is not restored yet");
        }
        return group;
    }

    void setThreadGroup(ThreadGroup group) {
        threadGroup = group;
    }

    /** Thread id in the task's pid namespace. */
    public int tid() {
        return tid;
    }

    void setTid(int tid) {
        this.tid = tid;
    }

    /** The name that PR_SET_NAME and execve set: at most 15 bytes. */
    public String name() {
        return name;
    }

    public void setName(String name) {
        this.name = name.length() > 15 ? name.substring(0, 15) : name;
    }

    /** The guest's registers; for the task's own thread, or while the kernel is paused. */
    public Registers registers() {
        return runLoop.registers;
    }

    /** User time in ns. */
    public long userNanos() {
        return userTime.get();
    }

    /** System time in ns. */
    public long systemNanos() {
        return systemTime.get();
    }

    /** Whether it waits in a system call (state S of ps), as an observer sees it. */
    public boolean isWaiting() {
        return runLoop.isIdle();
    }

    /** PR_SET_NO_NEW_PRIVS. */
    public boolean hasNoNewPrivileges() {
        return noNewPrivileges;
    }

    public TaskSignals signals() {
        return signals;
    }

    void setMm(@Nullable MemoryManager next) {
        mm = next;
    }

    /** Replaces the descriptor table (unshare, close_range). The caller drops the old one's use. */
    public void setFds(@Nullable FdTable next) {
        fds = next;
    }

    /** Replaces root, working directory, umask (unshare). */
    public void setFs(@Nullable FsContext next) {
        fs = next;
    }

    /** User and system time in ns. */
    public long cpuTime() {
        return userTime.get() + systemTime.get();
    }

    public long userTime() {
        return userTime.get();
    }

    public long systemTime() {
        return systemTime.get();
    }

    /** set_robust_list(2). */
    public void setRobustList(long address) {
        robustList = address;
    }

    public long robustList() {
        return robustList;
    }

    /** set_tid_address(2): the word that is cleared, and woken, when the task exits. */
    public void setClearChildTid(long address) {
        clearChildTid = address;
    }

    /**
     * The task's own waiter, to put on wait queues before {@link #block}. A wake between the check of the condition and the block is not lost:
     *
     * <pre>{@code
     * queue.add(task.waiter(), POLLIN);
     * try {
     *     while (true) {
     *         task.waiter().clear();
     *         long n = tryIt();
     *         if (n != -EAGAIN) return n;
     *         int blocked = task.block(deadline);
     *         if (blocked != 0) return blocked;      // -ETIMEDOUT or -ERESTARTSYS
     *     }
     * } finally { queue.remove(task.waiter()); }
     * }</pre>
     */
    public TaskWaiter waiter() {
        return blocker;
    }

    /**
     * Waits until the task's waiter is woken since its last {@code clear()}, or {@code deadline} (guest monotonic ns, {@link Long#MAX_VALUE} for none) is past, or the task is interrupted (signal,
     * pause, checkpoint, kill). Returns 0, {@code -ETIMEDOUT} or {@code -ERESTARTSYS}. Only on the task's thread, with no lock held.
     */
    public int block(long deadline) {
        return blocker.await(this, WORK_ANY, deadline);
    }

    /** As {@link #block}, but only the reasons of {@code mask} interrupt. */
    int block(int mask, long deadline) {
        return blocker.await(this, mask, deadline);
    }

    /**
     * The deadline of the current system call, {@code timeout} ns from its first start on: a call that was interrupted (for a signal without handler, a pause or a checkpoint) and is
     * made again keeps its deadline, and after a restore the time that was left. A negative timeout is none: {@link Long#MAX_VALUE}.
     */
    public long deadline(long timeout) {
        return runLoop.deadline(timeout);
    }

    /**
     * Bytes that the current call moved before it was interrupted (with {@code -ERESTARTSYS}) and made again: it goes on behind them, and they count in its result. When a signal handler runs instead, they
     * are its result.
     */
    public long callProgress() {
        return runLoop.callProgress;
    }

    /** Says so, before returning {@code -ERESTARTSYS}. */
    public void setCallProgress(long bytes) {
        runLoop.callProgress = bytes;
    }

    /** Sends a signal that this task's own action caused (SIGPIPE, SIGXFSZ, SIGSEGV): to this thread. */
    public void sendSelf(int signal) {
        kernel.signals()
                .sendToTask(
                        this,
                        SignalInfo.from(
                                signal,
                                signal == Signals.SIGPIPE ? Signals.SI_USER : Signals.SI_KERNEL,
                                threadGroup().pid(),
                                credentials.uid()),
                        true);
    }

    /**
     * Blocks {@code mask} instead of the task's signal mask until the current system call is over (ppoll, pselect, epoll_pwait, rt_sigsuspend). A handler that interrupts the call runs with this mask in
     * force and returns to the old one.
     */
    public void setTemporarySignalMask(long mask) {
        signals.setTemporaryMask(mask);
    }

    /** Takes a pending signal of {@code set} (of the task or its process), or null: signalfd(2), rt_sigtimedwait(2). Waiters are told by {@link ThreadGroup#signalQueue}. */
    public @Nullable SignalInfo takeSignal(long set) {
        return signals.take(set);
    }

    /** Whether a signal that is not blocked waits to be delivered: what tells an interruption by a signal from one by a pause. */
    public boolean hasDeliverableSignal() {
        return signals.deliverable();
    }

    int work() {
        return work;
    }

    /** Asks the task for {@code bits} and kicks it out of guest code or of its wait. From any thread. */
    void addWork(int bits) {
        int before = (int) WORK.getAndBitwiseOr(this, bits);
        if ((before & bits) != bits) {
            kick();
        }
    }

    void clearWork(int bits) {
        WORK.getAndBitwiseAnd(this, ~bits);
    }

    /** Makes the task look at its work. */
    void kick() {
        blocker.unpark();
        runLoop.interruptGuest();
    }

    Blocker blocker() {
        return blocker;
    }

    /** Wakes its task. */
    public interface TaskWaiter extends Waiter {
        void clear();
    }

    /** The task that the calling Java thread runs, for logs and assertions only. */
    public static @Nullable Task current() {
        return CURRENT.get();
    }

    static void setCurrent(@Nullable Task task) {
        if (task == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(task);
        }
    }

    @Override
    public Record save(SaveContext context) {
        return TaskState.save(this, context);
    }

    @Override
    public String toString() {
        return "task " + tid + " (" + name + ")";
    }
}
