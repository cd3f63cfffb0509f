package dev.thaw.sentry.kernel;

import dev.thaw.abi.Signals;
import dev.thaw.host.HostMachine;
import dev.thaw.platform.Platform;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.mm.Vdso;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.strace.Strace;
import dev.thaw.sentry.syscall.SyscallTable;
import dev.thaw.sentry.time.KernelClock;
import dev.thaw.sentry.time.TimerService;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.image.ContentHash;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One sandbox's kernel: its tasks, its memory file, its clocks. Safe for use by any thread.
 *
 * <p>{@link #pause} brings every task to the safe point of its run loop, where its state is plain data; {@link #resume} lets them go on. A restored kernel is a paused one whose tasks have no threads yet.
 */
public final class Kernel implements Saveable, AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.thaw.sentry.kernel");

    private static final long HOST_MEMORY = HostMachine.memoryBytes();

    private final KernelConfig config;
    private final KernelClock clock;
    private final TimerService timers;
    private final TaskSet tasks = new TaskSet();
    private final Vdso vdso;
    private final CpuTicker ticker;
    private final SignalSender signals;
    private final JobControl jobControl;
    private final SecureRandom random = new SecureRandom();
    private final Lineage lineage = new Lineage(this);
    private final FutexTable futexes = new FutexTable();
    private final @Nullable Strace strace;
    private final AtomicLongArray reported = new AtomicLongArray(SyscallTable.LIMIT / 64 + 1);
    private final AtomicInteger threads = new AtomicInteger();

    /** The tasks' Java threads; one that a task has left serves the next, since making one costs more than a fork may. */
    private final ThreadPoolExecutor pool =
            new ThreadPoolExecutor(
                    0,
                    Integer.MAX_VALUE,
                    2,
                    TimeUnit.SECONDS,
                    new SynchronousQueue<>(),
                    Thread.ofPlatform().name("task").stackSize(512 << 10).daemon().factory());

    private final CompletableFuture<@Nullable Throwable> end = new CompletableFuture<>();

    private volatile String hostname;
    private volatile String domainName = "(none)";
    volatile @Nullable ThreadGroup init;
    private volatile boolean paused;
    private volatile boolean closed;
    private volatile @Nullable Thread pauser;
    private volatile @Nullable CallTrap trap;

    /** The identity of the image that pages are counted as changed from; null for none. */
    private volatile @Nullable ContentHash lastImage;

    /** Whom {@link #outOfMemory} chose last. */
    private volatile @Nullable ThreadGroup victim;

    public Kernel(KernelConfig config) {
        this(config, new KernelClock());
    }

    /** With a clock of the caller's, for tests. */
    public Kernel(KernelConfig config, KernelClock clock) {
        this.config = config;
        this.clock = clock;
        this.hostname = config.hostname();
        this.timers = new TimerService(clock);
        if (config.memoryLimit() > 0) {
            config.platform().memory().setLimit(config.memoryLimit());
        }
        this.vdso = new Vdso(config.platform().memory(), clock, timers);
        this.ticker = new CpuTicker(this);
        this.signals = new SignalSender(this);
        this.jobControl = new JobControl(this);
        this.strace = config.strace() ? new Strace() : null;
    }

    public KernelConfig config() {
        return config;
    }

    public Platform platform() {
        return config.platform();
    }

    public MemoryFile memory() {
        return config.platform().memory();
    }

    public KernelClock clock() {
        return clock;
    }

    public TimerService timers() {
        return timers;
    }

    /** What guests read the clocks by. */
    public Vdso vdso() {
        return vdso;
    }

    public TaskSet tasks() {
        return tasks;
    }

    public SignalSender signals() {
        return signals;
    }

    public CpuTicker ticker() {
        return ticker;
    }

    public FutexTable futexes() {
        return futexes;
    }

    /** What a program can know of its own past. */
    public Lineage lineage() {
        return lineage;
    }

    JobControl jobControl() {
        return jobControl;
    }

    @Nullable Strace strace() {
        return strace;
    }

    /** The memory that guests see: the limit, or what the Sentry's own machine has. */
    public long totalMemory() {
        return config.memoryLimit() > 0 ? config.memoryLimit() : HOST_MEMORY;
    }

    public String hostname() {
        return hostname;
    }

    public void setHostname(String name) {
        hostname = name;
    }

    public String domainName() {
        return domainName;
    }

    public void setDomainName(String name) {
        domainName = name;
    }

    /** Fills {@code bytes} with randomness that is never saved: a restored kernel draws anew. */
    public void random(byte[] bytes) {
        random.nextBytes(bytes);
    }

    /** The container's first process, or null before {@link #createInit}. */
    public @Nullable ThreadGroup init() {
        return init;
    }

    /** Takes the protection from the first process that Linux gives it: signals it does not handle then act on it as on any other. */
    public void exposeInit() {
        ThreadGroup first = init;
        if (first != null) {
            first.unkillable = false;
        }
    }

    /** Makes the container's first process, pid 1: loaded, not running. */
    public ThreadGroup createInit(ProcessSpec spec) throws ErrnoException {
        return TaskStart.create(this, spec, true);
    }

    /** Makes one more process of the container: loaded, not running. */
    public ThreadGroup createExec(ProcessSpec spec) throws ErrnoException {
        return TaskStart.create(this, spec, false);
    }

    /** Lets a process made by {@link #createInit} or {@link #createExec} run. */
    public void start(ThreadGroup group) {
        startThread(group.leader());
    }

    /** Makes one more process of the container and runs it. */
    public ThreadGroup exec(ProcessSpec spec) throws ErrnoException {
        ThreadGroup group = createExec(spec);
        start(group);
        return group;
    }

    /** Sends a signal from outside to a process; init is not protected from SIGKILL. False when there is no such process. */
    public boolean signal(int pid, int signal) {
        ThreadGroup group = tasks.group(pid);
        if (group == null || group.isDead()) {
            return false;
        }
        if (signal != 0) {
            signals.sendToGroup(group, SignalInfo.from(signal, Signals.SI_USER, 0, 0), true);
        }
        return true;
    }

    /** Sends a signal from outside to every process. */
    public void signalAll(int signal) {
        for (ThreadGroup group : tasks.groups()) {
            if (!group.isDead()) {
                signals.sendToGroup(group, SignalInfo.from(signal, Signals.SI_USER, 0, 0), true);
            }
        }
    }

    /** A row of {@link #processes}. Times in ns; {@code startTime} is guest boot time. */
    public record ProcessInfo(
            int pid,
            int ppid,
            int uid,
            int threads,
            String command,
            long startTime,
            long cpuTime,
            boolean zombie) {}

    /** The processes in pid order. */
    public List<ProcessInfo> processes() {
        List<ProcessInfo> list = new ArrayList<>();
        for (ThreadGroup group : tasks.groups()) {
            Task leader = group.leader();
            list.add(
                    new ProcessInfo(
                            group.pid(),
                            group.parentPid(),
                            leader.credentials().uid(),
                            group.tasks().length,
                            leader.name(),
                            group.startTime(),
                            group.userTime() + group.systemTime(),
                            group.isDead()));
        }
        return list;
    }

    /** Whether tasks are held at their safe points. */
    public boolean isPaused() {
        return paused;
    }

    /** Sets a trap for system calls, or takes the one that is set away. */
    public void setTrap(@Nullable CallTrap next) {
        trap = next;
    }

    @Nullable CallTrap trap() {
        return trap;
    }

    /** Brings every task to its safe point and holds it there. Returns when all are. Idempotent. */
    public void pause() {
        beginPause();
        pauser = Thread.currentThread();
        while (!allSafe()) {
            LockSupport.parkNanos(this, TimeUnit.MILLISECONDS.toNanos(1));
        }
        pauser = null;
    }

    /** Asks every task to go to its safe point. */
    void beginPause() {
        KernelLock lock = tasks.lock();
        timers.pause();
        lock.lock();
        try {
            paused = true;
            for (ThreadGroup group : tasks.groupsLocked()) {
                for (Task task : group.tasks) {
                    task.addWork(Task.WORK_PAUSE);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Lets paused (or restored) tasks go on. Idempotent. */
    public void resume() {
        if (clock.release()) {
            vdso.restart();
            lineage.renewRandom();
        }
        KernelLock lock = tasks.lock();
        List<Task> starting = new ArrayList<>();
        lock.lock();
        try {
            paused = false;
            for (ThreadGroup group : tasks.groupsLocked()) {
                for (Task task : group.tasks) {
                    task.clearWork(Task.WORK_PAUSE);
                    if (task.restored) {
                        task.restored = false;
                        starting.add(task);
                    } else {
                        task.waiter().wake(0);
                    }
                }
            }
        } finally {
            lock.unlock();
        }
        timers.resume();
        for (Task task : starting) {
            startThread(task);
        }
    }

    /** The address spaces of all tasks, each once. The kernel is paused. */
    public List<MemoryManager> addressSpaces() {
        Set<MemoryManager> found = Collections.newSetFromMap(new IdentityHashMap<>());
        for (ThreadGroup group : tasks.groups()) {
            for (Task task : group.tasks) {
                MemoryManager mm = task.mmOrNull();
                if (mm != null) {
                    found.add(mm);
                }
            }
        }
        return List.copyOf(found);
    }

    /** The identity of the image that was made of this kernel last, or that it came from. */
    public @Nullable ContentHash lastImage() {
        return lastImage;
    }

    public void setLastImage(ContentHash image) {
        lastImage = image;
    }

    /** A restore begins: nothing runs before {@link #resume}. */
    void beginRestore() {
        paused = true;
        timers.pause();
        clock.hold();
    }

    private boolean allSafe() {
        for (ThreadGroup group : tasks.groups()) {
            for (Task task : group.tasks) {
                if (!task.restored && task.started && !task.runLoop.isSafe()) {
                    return false;
                }
            }
        }
        return true;
    }

    /** A task has come to its safe point for a pause. */
    void taskIsSafe() {
        Thread waiting = pauser;
        if (waiting != null) {
            LockSupport.unpark(waiting);
        }
    }

    /** Gives a task its Java thread. */
    void startThread(Task task) {
        task.started = true;
        if (threads.getAndIncrement() == 0) {
            ticker.start();
        }
        try {
            pool.execute(task.runLoop);
        } catch (OutOfMemoryError e) {
            LOG.log(System.Logger.Level.ERROR, "no thread for {0}: {1}", task, e.getMessage());
            threads.decrementAndGet();
            signals.killGroup(task.threadGroup(), Signals.SIGKILL);
            TaskExit.exit(task);
        }
    }

    void taskThreadEnded() {
        LockSupport.unpark(pauser);
    }

    /** Charges a tick to each task that is not blocked. */
    void charge(long ns) {
        for (ThreadGroup group : tasks.groups()) {
            for (Task task : group.tasks) {
                if (!task.runLoop.isIdle()) {
                    (task.runLoop.isInGuest() ? task.userTime : task.systemTime).addAndGet(ns);
                }
            }
            group.timers().tick();
        }
    }

    /** Our own bug, caught at a run loop: says so with all there is to know and ends the sandbox. */
    void crash(Task task, Throwable cause) {
        LOG.log(
                System.Logger.Level.ERROR,
                "the Sentry failed in " + task + ": " + Strace.describe(task.registers()),
                cause);
        end.complete(cause);
        killAll();
    }

    /** Completed with null when the container's last process is gone, with the reason when the Sentry itself failed. */
    public CompletableFuture<@Nullable Throwable> endFuture() {
        return end;
    }

    /** The last process is gone. */
    void ended() {
        end.complete(null);
    }

    /** No memory is left: ends the process that holds most of it. */
    public void outOfMemory() {
        ThreadGroup dying = victim;
        if (dying != null && !dying.dead) {
            Thread.yield(); // its memory comes free soon
            return;
        }
        ThreadGroup worst = OutOfMemory.choose(tasks.groups());
        if (worst != null) {
            victim = worst;
            LOG.log(
                    System.Logger.Level.WARNING,
                    "out of memory: {0} ({1}) is killed",
                    worst,
                    worst.leader().name());
            signals.killGroup(worst, Signals.SIGKILL);
        }
    }

    /** Logs a call that is not there, once for each number. */
    void unimplemented(Task task, SyscallTable.@Nullable Row row, long number) {
        int index = number >= 0 && number < SyscallTable.LIMIT ? (int) number : SyscallTable.LIMIT;
        long bit = 1L << (index & 63);
        long before = reported.getAndAccumulate(index >>> 6, bit, (a, b) -> a | b);
        if ((before & bit) == 0) {
            LOG.log(
                    System.Logger.Level.INFO,
                    "{0}: system call {1} ({2}) is not there{3}",
                    task,
                    number,
                    row == null ? "unknown" : row.name(),
                    row == null ? "" : ": " + row.note());
        }
    }

    void killAll() {
        KernelLock lock = tasks.lock();
        lock.lock();
        try {
            for (ThreadGroup group : tasks.groupsLocked()) {
                if (!group.dead) {
                    group.beginExitLocked(Signals.SIGKILL);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether a limit forbids one more task. Under the task set's lock. */
    boolean pidsExhaustedLocked() {
        return config.pidsLimit() > 0 && tasks.sizeLocked() >= config.pidsLimit();
    }

    /** Kills everything and ends the platform. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        killAll();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
        while (System.nanoTime() < deadline && liveTasks() > 0) {
            LockSupport.parkNanos(this, TimeUnit.MILLISECONDS.toNanos(1));
        }
        timers.close();
        ticker.close();
        pool.shutdown();
        config.platform().close();
    }

    private int liveTasks() {
        int count = 0;
        for (ThreadGroup group : tasks.groups()) {
            for (Task task : group.tasks) {
                if (task.started) {
                    count++;
                }
            }
        }
        return count;
    }

    @Override
    public Record save(SaveContext context) {
        return KernelState.save(this, context);
    }
}
