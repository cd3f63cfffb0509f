package dev.thaw.platform.ptrace;

import static dev.thaw.abi.Errno.EINTR;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.abi.Signals.SIGBUS;
import static dev.thaw.abi.Signals.SIGFPE;
import static dev.thaw.abi.Signals.SIGILL;
import static dev.thaw.abi.Signals.SIGSEGV;
import static dev.thaw.abi.Signals.SIGSYS;
import static dev.thaw.abi.Signals.SIGTRAP;
import static dev.thaw.abi.Signals.SIGUSR1;
import static dev.thaw.platform.stub.StubAbi.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.thaw.platform.GuestThread;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.Registers;
import dev.thaw.platform.StopReason;
import dev.thaw.platform.stub.ContextWords;
import dev.thaw.platform.stub.FpArea;
import dev.thaw.platform.stub.StubCalls;
import dev.thaw.platform.stub.StubProcess;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A guest thread, traced by the Java thread that first runs it. A system call is a SIGSYS (by the same syscall user dispatch and seccomp filter as on systrap, so a mistake here lets none
 * through), and every signal is a stop that is not delivered.
 *
 * <p>ptrace does not tell the error code of a page fault. It follows from {@code si_code}: on SEGV_ACCERR the page is mapped, hence readable, so the access was a write (or a fetch, where the address is
 * that of the instruction). SEGV_MAPERR is taken for a read; if it was a write and the page comes back read-only, the same access faults again with SEGV_ACCERR.
 */
final class PtraceThread implements GuestThread {
    private static final int AUDIT_ARCH_X86_64 = 0xc000003e;
    private static final int SEGV_ACCERR = 2;
    private static final int SI_KERNEL = 0x80;
    private static final long FRAME_FP = 224;
    private static final long WAIT_NANOS = 100_000_000;
    private static final long LONGEST_INSTRUCTION = 15;

    private final PtraceAddressSpace space;
    private final StubProcess process;
    private final StubProcess.Context context;
    private final Tracee tracee;
    private final FpArea layout;
    private final MemorySegment freshFp;
    private final long[] home = new long[Registers.WORDS];
    private final long[] words = new long[Registers.WORDS];
    private final AtomicBoolean interrupted = new AtomicBoolean();
    private volatile boolean inGuest;
    private boolean attached;
    private boolean gone;
    private boolean closed;
    private int faultSignal;
    private int faultCode;
    private long faultAddress;
    private int faultAccess;
    private long trapNumber;
    private long errorCode;

    PtraceThread(PtraceAddressSpace space, StubProcess process) throws PlatformException {
        this.space = space;
        this.process = process;
        context = process.newContext();
        MemorySegment memory = context.memory();
        while (StubCalls.state(
                        StubCalls.await(
                                memory.address(),
                                STATE_RUNNING,
                                SPIN_MAX,
                                WAIT_NANOS,
                                new long[ContextWords.COUNT]))
                != STATE_STOPPED) {
            if (!process.alive()) {
                throw new PlatformException("a guest thread died as it started");
            }
        }
        tracee = new Tracee(context.tid());
        long frame = memory.get(JAVA_LONG, CTX_FRAME) - context.address();
        MemorySegment area =
                memory.asSlice(memory.get(JAVA_LONG, frame + FRAME_FP) - context.address());
        layout = new FpArea(area);
        freshFp = MemorySegment.ofArray(new long[(layout.size() + 7) / 8]);
        layout.save(area, freshFp);
    }

    /** Takes the thread out of the stub, for good. */
    private boolean attach() {
        if (!attached && !gone) {
            attached = true;
            gone =
                    tracee.seize() < 0
                            || tracee.interrupt() < 0
                            || tracee.await() == Tracee.GONE
                            || tracee.unblockSignals() < 0
                            || tracee.getRegisters(home) < 0;
            home[10] = -EINTR;
            home[15] = -1;
        }
        return !gone && !process.ending();
    }

    @Override
    public StopReason run(Registers registers) {
        inGuest = true;
        try {
            if (interrupted.getAndSet(false)) {
                return StopReason.INTERRUPTED;
            }
            if (!attach() || !store(registers)) {
                return StopReason.DEAD;
            }
            while (true) {
                int signal = tracee.proceed() < 0 ? Tracee.GONE : tracee.await();
                if (signal == Tracee.GONE || process.ending()) {
                    gone = true;
                    process.kill();
                    return StopReason.DEAD;
                }
                if (signal == Tracee.NO_SIGNAL
                        || signal == SIGUSR1 && !interrupted.getAndSet(false)) {
                    continue;
                }
                if (!load(registers)) {
                    return StopReason.DEAD;
                }
                switch (signal) {
                    case SIGUSR1:
                        return StopReason.INTERRUPTED;
                    case SIGSYS:
                        return syscall(registers);
                    case SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP:
                        return fault(registers, signal);
                    default:
                        continue; // someone on the host sends signals
                }
            }
        } finally {
            inGuest = false;
        }
    }

    private StopReason syscall(Registers registers) {
        if (tracee.signalInfo().get(JAVA_INT, 28) != AUDIT_ARCH_X86_64) {
            registers.rip -= 2;
            setFault(SIGSEGV, SI_KERNEL, 0, PROT_READ, 13, 0x80 * 8 + 2);
            return StopReason.FAULT;
        }
        registers.origRax = registers.rax;
        registers.restartRip = registers.rip - 2;
        return StopReason.SYSCALL;
    }

    private StopReason fault(Registers registers, int signal) {
        MemorySegment info = tracee.signalInfo();
        int code = info.get(JAVA_INT, 8);
        long address = info.get(JAVA_LONG, 16);
        boolean pageFault =
                (signal == SIGSEGV || signal == SIGBUS) && code > 0 && code != SI_KERNEL;
        if (!pageFault) {
            long trap =
                    switch (signal) {
                        case SIGFPE -> 0;
                        case SIGTRAP -> code == SI_KERNEL ? 3 : 1;
                        case SIGILL -> 6;
                        default -> 13;
                    };
            setFault(signal, code, address, PROT_READ, trap, 0);
            return StopReason.FAULT;
        }
        boolean mapped = code == SEGV_ACCERR;
        boolean fetch = Long.compareUnsigned(address - registers.rip, LONGEST_INSTRUCTION) < 0;
        int access = fetch ? PROT_EXEC : mapped ? PROT_WRITE : PROT_READ;
        setFault(
                signal,
                code,
                address,
                access,
                14,
                4 | (mapped ? 1 : 0) | (fetch ? 16 : mapped ? 2 : 0));
        return StopReason.FAULT;
    }

    private void setFault(int signal, int code, long address, int access, long trap, long error) {
        faultSignal = signal;
        faultCode = code;
        faultAddress = address;
        faultAccess = access;
        trapNumber = trap;
        errorCode = error;
    }

    private boolean store(Registers registers) {
        registers.toWords(words);
        words[15] = -1; // the host must not restart anything
        words[21] = base(registers.fsBase);
        words[22] = base(registers.gsBase);
        words[23] = 0;
        return tracee.setRegisters(words) == 0;
    }

    private boolean load(Registers registers) {
        if (tracee.getRegisters(words) < 0) {
            return false;
        }
        registers.fromWords(words);
        registers.origRax = -1;
        registers.restartRip = registers.rip;
        return true;
    }

    /** ptrace refuses bases that are not the user's. */
    private static long base(long value) {
        return value >= 0 && value < 0x7ffffffff000L ? value : 0;
    }

    @Override
    public void interrupt() {
        interrupted.set(true);
        if (inGuest) {
            process.signal(context.tid(), SIGUSR1);
        }
    }

    @Override
    public int faultSignal() {
        return faultSignal;
    }

    @Override
    public int faultCode() {
        return faultCode;
    }

    @Override
    public long faultAddress() {
        return faultAddress;
    }

    @Override
    public int faultAccess() {
        return faultAccess;
    }

    @Override
    public long trapNumber() {
        return trapNumber;
    }

    @Override
    public long errorCode() {
        return errorCode;
    }

    @Override
    public int fpSize() {
        return layout.size();
    }

    @Override
    public void saveFp(MemorySegment target) {
        MemorySegment.copy(freshFp, 0, target, 0, layout.size());
        if (attach() && tracee.getFp() == 0) {
            layout.overlay(tracee.fp, target);
        }
    }

    @Override
    public void loadFp(MemorySegment source) {
        if (attach() && tracee.getFp() == 0) {
            layout.load(source, tracee.fp);
            tracee.setFp();
        }
    }

    @Override
    public void resetFp() {
        if (attach() && tracee.getFp() == 0) {
            layout.reset(tracee.fp);
            tracee.setFp();
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (!process.ending() && !gone) {
            context.memory().set(JAVA_INT, CTX_STATE, STATE_EXIT);
            if (attached) { // back to where the stub was when it was seized: it looks at the state
                // again
                tracee.setRegisters(home);
                tracee.detach();
            } else {
                StubCalls.wake(context.memory().address() + CTX_STATE);
            }
            process.freeContext(context.index());
        }
        space.remove();
    }
}
