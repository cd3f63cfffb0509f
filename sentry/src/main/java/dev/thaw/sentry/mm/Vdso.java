package dev.thaw.sentry.mm;

import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.sentry.ErrnoException.errno;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.host.HostTsc;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.time.KernelClock;
import dev.thaw.sentry.time.Timer;
import dev.thaw.sentry.time.TimerService;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The vDSO of one kernel: a page of parameters that guests may only read, then the image whose code reads the clocks by them ({@code platform/src/main/native/vdso}). Linux: {@code [vvar]} and {@code [vdso]}.
 *
 * <p>The parameters are renewed each second, so that the guest's clocks follow the host's; monotonic time never steps back: what it is off is made up for by its rate over the next second.
 * In a restored guest the old image stays (a task may stand in its midst) and gets this host's parameters in the layout it knows.
 *
 * <pre>
 * parameters: 0 u32 sequence 4 u32 version 8 u64 valid 16 u64 tsc 24 u64 scale(32.32) 32 s64 monotonic 40 s64 realtime 48 s64 boottime
 * </pre>
 */
public final class Vdso implements Mappable {
    private static final int PAGE = PageTable.PAGE;
    private static final int VERSION = 1;
    private static final long FIRST_UPDATE = 20_000_000;
    private static final long UPDATE_EVERY = 1_000_000_000;
    private static final long SHORTEST_BASELINE = 10_000_000;
    private static final long LARGEST_SLEW = 1_000_000;
    private static final double TWO_32 = 4294967296.0;

    private final KernelLock mu = new KernelLock(LockClass.LEAF);
    private final MemoryFile memory;
    private final KernelClock clock;
    private final byte[] image;
    private final boolean usable;
    private final @Nullable Timer timer;

    /** Where the pages lie in the memory file; -1 before the first program is loaded. */
    @GuardedBy("mu")
    private long offset = -1;

    @GuardedBy("mu")
    private long length;

    /** The last sample, and what the parameters say from it on. */
    @GuardedBy("mu")
    private HostTsc.Sample last;

    @GuardedBy("mu")
    private long monotonic;

    @GuardedBy("mu")
    private double scale;

    /** Reads the image and takes a first sample; must run before the process is confined. */
    public Vdso(MemoryFile memory, KernelClock clock, @Nullable TimerService timers) {
        this.memory = memory;
        this.clock = clock;
        byte[] found = HostTsc.vdsoImage();
        this.image = found == null ? new byte[0] : found;
        this.usable = found != null && HostTsc.usable();
        this.last = found == null ? new HostTsc.Sample(0, 0, 0) : HostTsc.sample();
        if (found == null) {
            System.getLogger("dev.thaw.sentry.mm")
                    .log(
                            System.Logger.Level.WARNING,
                            "no vdso.so in the native build: guests ask for the time by system calls");
        }
        this.timer = timers == null ? null : timers.newTimer(this::update);
    }

    /** Maps it into a fresh address space; returns its address for AT_SYSINFO_EHDR, 0 when there is none. */
    public long map(MemoryManager mm) throws ErrnoException {
        if (image.length == 0) {
            return 0;
        }
        allocate();
        long bytes = Mappings.roundUp(image.length);
        long base = mm.mapSpecial(0, PAGE + bytes, PROT_READ, this, 0, "[vvar]");
        return mm.mapSpecial(base + PAGE, bytes, PROT_READ | PROT_EXEC, this, PAGE, "[vdso]");
    }

    private void allocate() throws ErrnoException {
        mu.lock();
        try {
            if (offset >= 0) {
                return;
            }
            long bytes = PAGE + Mappings.roundUp(image.length);
            long pages = memory.allocate(bytes / PAGE, 1);
            if (pages < 0) {
                throw errno(ENOMEM);
            }
            MemorySegment.copy(
                    MemorySegment.ofArray(image), 0, memory.view(), pages + PAGE, image.length);
            offset = pages;
            length = bytes;
        } finally {
            mu.unlock();
        }
        start();
    }

    private void start() {
        update();
        if (timer != null && usable) {
            timer.set(clock.monotonic() + FIRST_UPDATE, UPDATE_EVERY);
        }
    }

    /** Renews the parameters after the clocks were set, which guests see no way between. */
    public void restart() {
        mu.lock();
        try {
            scale = 0;
        } finally {
            mu.unlock();
        }
        update();
    }

    /** Renews the parameters. */
    public void update() {
        mu.lock();
        try {
            if (offset < 0) {
                return;
            }
            HostTsc.Sample now = HostTsc.sample();
            long actual = now.monotonic() + clock.monotonicOffset();
            long ticks = now.tsc() - last.tsc();
            long nanos = now.monotonic() - last.monotonic();
            if (scale == 0 && nanos < SHORTEST_BASELINE) {
                writeLocked(now, actual, 0);
                return; // too short a time to know the rate: the guest asks by system calls until
                // the next update
            }
            double rate = (double) nanos / ticks;
            long told = scale == 0 ? actual : monotonic + (long) (ticks * scale);
            long error = actual - told;
            if (error > LARGEST_SLEW) {
                told = actual;
                error = 0;
            }
            double correction = Math.clamp((double) error / UPDATE_EVERY, -0.05, 0.05);
            last = now;
            monotonic = told;
            scale = rate * (1 + correction);
            writeLocked(now, told, usable && ticks > 0 ? scale : 0);
        } finally {
            mu.unlock();
        }
    }

    @GuardedBy("mu")
    private void writeLocked(HostTsc.Sample now, long told, double rate) {
        memory.load(offset, PAGE);
        memory.beforeWrite(offset, PAGE);
        MemorySegment page = memory.view().asSlice(offset, PAGE);
        int sequence = page.get(JAVA_INT, 0) | 1;
        page.set(JAVA_INT, 0, sequence);
        VarHandle.storeStoreFence();
        page.set(JAVA_INT, 4, VERSION);
        page.set(JAVA_LONG, 8, rate > 0 ? 1 : 0);
        page.set(JAVA_LONG, 16, now.tsc());
        page.set(JAVA_LONG, 24, (long) (rate * TWO_32));
        page.set(JAVA_LONG, 32, told);
        page.set(JAVA_LONG, 40, now.realtime() - now.monotonic() - clock.monotonicOffset() + told);
        page.set(JAVA_LONG, 48, told + clock.boottimeOffset() - clock.monotonicOffset());
        VarHandle.storeStoreFence();
        page.set(JAVA_INT, 0, sequence + 1);
    }

    @Override
    public PageRun pages(long from, long wanted, boolean write) throws ErrnoException {
        mu.lock();
        try {
            if (write || from >= length) {
                throw errno(EFAULT);
            }
            long bytes = Math.min(wanted, length - from);
            memory.retain(offset + from, bytes);
            return new PageRun(from, offset + from, bytes);
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void addMapping(MemoryManager mm, long address, long from, long bytes) {}

    @Override
    public void removeMapping(MemoryManager mm, long address, long from, long bytes) {}

    /** Where its pages lie: what a guest has mapped stays. */
    @StateType(id = 0x0208, version = 1)
    record State(int layout, long offset, long length) {}

    @Override
    public Record save(SaveContext context) {
        mu.lock();
        try {
            return new State(VERSION, offset, length);
        } finally {
            mu.unlock();
        }
    }

    static final Restorer<State, Vdso> RESTORER =
            new Restorer<>() {
                @Override
                public Vdso create(State state, RestoreContext context) {
                    return context.service(Kernel.class).vdso();
                }

                @Override
                public void link(Vdso vdso, State state, RestoreContext context) {
                    vdso.memory.reserve(state.offset, state.length);
                    vdso.mu.lock();
                    try {
                        vdso.offset = state.offset;
                        vdso.length = state.length;
                    } finally {
                        vdso.mu.unlock();
                    }
                    context.afterLink(vdso::start);
                }
            };
}
