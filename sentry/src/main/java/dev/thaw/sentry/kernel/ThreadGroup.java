package dev.thaw.sentry.kernel;

import dev.thaw.sentry.signal.PendingSignals;
import dev.thaw.sentry.signal.SignalHandlers;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.time.ProcessTimers;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A process: the tasks that share a pid (Linux: {@code struct signal_struct}). Fields without another word change under the task set's lock; volatile ones are read without it.
 */
public final class ThreadGroup implements Saveable {
    private static final Task[] NONE = new Task[0];

    private final Kernel kernel;
    private final int pid;
    private final WaitQueue childEvents = new WaitQueue();
    private final WaitQueue signalQueue = new WaitQueue();
    private final CompletableFuture<Integer> exit = new CompletableFuture<>();
    final PendingSignals pending = new PendingSignals();
    final ProcessTimers timers;
    final long startTime;

    volatile SignalHandlers handlers;
    volatile ResourceLimits limits;
    volatile Task[] tasks = NONE;
    volatile @Nullable Task leader;
    volatile @Nullable ThreadGroup parent;
    final ArrayList<ThreadGroup> children = new ArrayList<>(2);

    volatile int processGroup;
    volatile int session;
    volatile int exitSignal;
    volatile int exitStatus;
    volatile boolean exiting;
    volatile boolean dead;
    volatile @Nullable Task execTask;
    volatile boolean subreaper;
    volatile boolean dumpable = true;

    /** Whether a restore gives it new AT_RANDOM bytes. */
    volatile boolean renewRandom;

    volatile boolean hasExeced;
    volatile int nice;
    volatile int oomScoreAdjust;

    /** Whether init-like: signals with default action do nothing. */
    volatile boolean unkillable;

    // Job control.
    volatile boolean stopping;
    volatile boolean stopped;
    int stopSignal;
    boolean stopReported;
    boolean continueReported = true;
    boolean continueUnnotified;

    // CPU time of tasks that are gone, and of children that were waited for.
    volatile long deadUserTime;
    volatile long deadSystemTime;
    volatile long childUserTime;
    volatile long childSystemTime;

    ThreadGroup(
            Kernel kernel,
            int pid,
            SignalHandlers handlers,
            ResourceLimits limits,
            long startTime) {
        this.kernel = kernel;
        this.pid = pid;
        this.handlers = handlers;
        this.limits = limits;
        this.startTime = startTime;
        this.timers = new ProcessTimers(this);
    }

    public Kernel kernel() {
        return kernel;
    }

    public int pid() {
        return pid;
    }

    /** The parent's pid; 0 for processes from outside. */
    public int parentPid() {
        ThreadGroup current = parent;
        return current == null ? 0 : current.pid;
    }

    public @Nullable ThreadGroup parent() {
        return parent;
    }

    public int processGroup() {
        return processGroup;
    }

    public int session() {
        return session;
    }

    public SignalHandlers handlers() {
        return handlers;
    }

    public ResourceLimits limits() {
        return limits;
    }

    /** The live tasks; the array is never changed. */
    public Task[] tasks() {
        return tasks;
    }

    /** The task whose id is the pid; it may be dead while others live. */
    public Task leader() {
        Task current = leader;
        if (current == null) {
            throw new IllegalStateException("no leader yet");
        }
        return current;
    }

    /** Whether the last task is gone (a zombie until it is waited for). */
    public boolean isDead() {
        return dead;
    }

    /** Whether it is stopped by job control. */
    public boolean isStopped() {
        return stopped;
    }

    /** Woken (POLLIN) when a child changes state. */
    public WaitQueue childEvents() {
        return childEvents;
    }

    /** Woken (POLLIN) when a signal is sent to the process or one of its tasks, for signalfd. */
    public WaitQueue signalQueue() {
        return signalQueue;
    }

    public ProcessTimers timers() {
        return timers;
    }

    /** When it was made, in guest boot time ns. */
    public long startTime() {
        return startTime;
    }

    public int nice() {
        return nice;
    }

    public void setNice(int value) {
        nice = value;
    }

    public int oomScoreAdjust() {
        return oomScoreAdjust;
    }

    public void setOomScoreAdjust(int value) {
        oomScoreAdjust = value;
    }

    /** User time of all tasks, dead ones too, in ns. */
    public long userTime() {
        long sum = deadUserTime;
        for (Task task : tasks) {
            sum += task.userTime.get();
        }
        return sum;
    }

    public long systemTime() {
        long sum = deadSystemTime;
        for (Task task : tasks) {
            sum += task.systemTime.get();
        }
        return sum;
    }

    public long childUserTime() {
        return childUserTime;
    }

    public long childSystemTime() {
        return childSystemTime;
    }

    /** Waits until the process is gone and returns its status as wait4(2) gives it. */
    public int awaitExit() throws InterruptedException {
        try {
            return exit.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    /** Completed with the wait status when the process is gone. */
    public CompletableFuture<Integer> exitFuture() {
        return exit;
    }

    /** A timer's signal was delivered or taken: it may be queued again. */
    void signalTakenLocked(SignalInfo info) {
        if (info.code() == dev.thaw.abi.Signals.SI_TIMER) {
            timers.delivered(info);
        }
    }

    void addTaskLocked(Task task) {
        Task[] next = Arrays.copyOf(tasks, tasks.length + 1);
        next[tasks.length] = task;
        tasks = next;
    }

    void removeTaskLocked(Task task) {
        List<Task> next = new ArrayList<>(Arrays.asList(tasks));
        next.remove(task);
        tasks = next.toArray(NONE);
    }

    /** Makes every task leave, with {@code status} as the process's; the first caller's status counts. */
    void beginExitLocked(int status) {
        if (!exiting) {
            exiting = true;
            exitStatus = status;
        }
        stopping = false;
        stopped = false;
        for (Task task : tasks) {
            task.addWork(Task.WORK_KILL);
        }
    }

    @Override
    public Record save(SaveContext context) {
        return ThreadGroupState.save(this, context);
    }

    @Override
    public String toString() {
        return "process " + pid;
    }

    /** The program wants new AT_RANDOM bytes after each restore. */
    public void renewRandomAtRestore() {
        renewRandom = true;
    }
}
