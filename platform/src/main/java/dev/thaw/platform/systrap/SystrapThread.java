package dev.thaw.platform.systrap;

import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.abi.Signals.SIGILL;
import static dev.thaw.abi.Signals.SIGSEGV;
import static dev.thaw.abi.Signals.SIGSYS;
import static dev.thaw.abi.Signals.SIGUSR1;
import static dev.thaw.platform.stub.StubAbi.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.thaw.host.HostCpu;
import dev.thaw.platform.GuestThread;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.Registers;
import dev.thaw.platform.StopReason;
import dev.thaw.platform.stub.ContextWords;
import dev.thaw.platform.stub.FpArea;
import dev.thaw.platform.stub.StubCalls;
import dev.thaw.platform.stub.StubProcess;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A guest thread. Its context is hostile: another guest thread of the same address space may write it at any time, so each word is read once and never used as an address or index.
 */
final class SystrapThread implements GuestThread {
    private static final VarHandle INT = JAVA_INT.varHandle();
    private static final int AUDIT_ARCH_X86_64 = 0xc000003e;
    private static final long PLAIN_FLAGS = 0xed7; // status, direction, interrupts on
    private static final int HOPELESS = 100;
    private static final int SI_KERNEL = 0x80;
    private static final int PAGE_FAULT = 14;
    private static final int FETCH = 16;
    private static final int WRITE = 2;
    private static final long WAIT_NANOS = 100_000_000;
    private final SystrapAddressSpace space;
    private final StubProcess process;
    private final StubProcess.Context context;
    private final MemorySegment ctx;
    private final MemorySegment uc;
    private final MemorySegment fp;
    private final FpArea layout;
    private final long address;

    /** Set by {@link #interrupt}, taken by {@link #run}. */
    private final AtomicBoolean interrupted = new AtomicBoolean();

    /** Whether {@link #run} has handed the thread to the guest. */
    private volatile boolean inGuest;

    /** The registers in the context at the last stop without a frame. */
    private final Registers seen = new Registers();

    /** The context as it was at the last stop. */
    private final long[] words = new long[ContextWords.COUNT];

    /** Ticks to look for the next stop before sleeping. */
    private int spin = SPIN_MAX;

    /** How the thread stopped last. */
    private int kind = KIND_FRAME;

    /** Whether the registers are in the signal frame, and not in the context's own area. */
    private boolean framed = true;

    private boolean closed;
    private int faultSignal;
    private int faultCode;
    private long faultAddress;
    private long trapNumber;
    private long errorCode;

    SystrapThread(SystrapAddressSpace space, StubProcess process, Frame frame)
            throws PlatformException {
        this.space = space;
        this.process = process;
        context = start(process);
        ctx = context.memory();
        uc = ctx.asSlice(frame.ucontext(), Frame.SIZE);
        fp = ctx.asSlice(frame.fp(), frame.layout().size());
        layout = frame.layout();
        address = ctx.address();
    }

    private static StubProcess.Context start(StubProcess process) throws PlatformException {
        StubProcess.Context context = process.newContext();
        long address = context.memory().address();
        long[] ignored = new long[ContextWords.COUNT];
        while (StubCalls.state(
                        StubCalls.await(address, STATE_RUNNING, SPIN_MAX, WAIT_NANOS, ignored))
                != STATE_STOPPED) {
            if (!process.alive()) {
                throw new PlatformException("a guest thread died as it started");
            }
        }
        return context;
    }

    /** Learns where the host kernel lays signal frames, from a process that has run no guest code. */
    static Frame probe(StubProcess process) throws PlatformException {
        StubProcess.Context context = start(process);
        long ucontext = context.memory().get(JAVA_LONG, CTX_FRAME) - context.address();
        long fp = context.memory().get(JAVA_LONG, ucontext + Frame.FP_STATE) - context.address();
        return new Frame(ucontext, fp, new FpArea(context.memory().asSlice(fp)));
    }

    @Override
    public StopReason run(Registers registers) {
        inGuest = true;
        try {
            if (interrupted.get() && interrupted.getAndSet(false)) {
                return StopReason.INTERRUPTED;
            }
            if (!framed && (registers.gsBase != 0 || (registers.eflags & ~PLAIN_FLAGS) != 0)) {
                frame();
            }
            if (process.ending()) {
                return StopReason.DEAD;
            }
            store(registers);
            while (true) {
                if (!step(STATE_RUNNING)) {
                    return StopReason.DEAD;
                }
                if (!framed) {
                    load(registers);
                    if (kind == KIND_CALL) {
                        registers.origRax = registers.rax;
                        registers.restartRip = registers.rip - 2;
                        return StopReason.SYSCALL;
                    }
                    if (!interrupted.getAndSet(false)) {
                        continue; // meant for a run that is over
                    }
                    return StopReason.INTERRUPTED;
                }
                int signal = uc.get(JAVA_INT, Frame.INFO_SIGNAL);
                if (signal == SIGUSR1 && !interrupted.getAndSet(false)) {
                    continue;
                }
                load(registers);
                if (signal == SIGSYS) {
                    return syscall(registers);
                }
                if (signal == SIGUSR1) {
                    return StopReason.INTERRUPTED;
                }
                CallSites sites = space.callSites();
                if (signal == SIGILL && sites != null && sites.repair(registers)) {
                    store(registers);
                    continue;
                }
                return fault(registers, signal);
            }
        } finally {
            inGuest = false;
        }
    }

    /** Gives the order and waits until the thread has stopped; false when it never will. */
    private boolean step(int order) {
        long result = StubCalls.switchTo(address, order, spin, WAIT_NANOS, words);
        spin =
                StubCalls.ticks(result) < SHORT_WAIT
                        ? SPIN_MAX
                        : Math.max(SPIN_MIN, spin >> 1); // as stub_abi.h says
        int state = StubCalls.state(result);
        for (int waits = 0; state == order && lives(); ) {
            if (interrupted.get() && ++waits > HOPELESS) {
                break; // the guest hides in the stub's text
            }
            state = StubCalls.state(StubCalls.await(address, order, 0, WAIT_NANOS, words));
        }
        kind = ContextWords.kind(words);
        framed = kind == KIND_FRAME;
        if (process.ending()) {
            return false;
        }
        if (state != STATE_STOPPED || !framed && kind != KIND_CALL && kind != KIND_INTERRUPT) {
            process.kill();
            return false;
        }
        return true;
    }

    /** Has a thread that stopped at a patched call site stop with a signal frame, so that the floating-point state and every register can be had and set. */
    private void frame() {
        if (!framed && !process.ending()) {
            step(STATE_TRAP);
        }
    }

    private StopReason syscall(Registers registers) {
        if (uc.get(JAVA_INT, Frame.INFO_ARCH) != AUDIT_ARCH_X86_64) {
            return illegalCall(registers);
        }
        registers.origRax = registers.rax;
        registers.restartRip = registers.rip - 2;
        CallSites sites = space.callSites();
        if (sites != null) {
            inGuest = false;
            sites.trapped(registers);
        }
        return StopReason.SYSCALL;
    }

    /** A call by another gate (int 0x80): there is no such thing in a guest, as on a kernel without IA32 emulation. */
    private StopReason illegalCall(Registers registers) {
        registers.origRax = -1;
        registers.rip -= 2;
        faultSignal = SIGSEGV;
        faultCode = SI_KERNEL;
        faultAddress = 0;
        trapNumber = 13;
        errorCode = 0x80 * 8 + 2;
        return StopReason.FAULT;
    }

    private StopReason fault(Registers registers, int signal) {
        registers.origRax = -1;
        faultSignal = signal;
        faultCode = uc.get(JAVA_INT, Frame.INFO_CODE);
        trapNumber = uc.get(JAVA_LONG, Frame.TRAP);
        errorCode = uc.get(JAVA_LONG, Frame.ERROR);
        faultAddress =
                trapNumber == PAGE_FAULT
                        ? uc.get(JAVA_LONG, Frame.CR2)
                        : uc.get(JAVA_LONG, Frame.INFO_ADDR);
        return StopReason.FAULT;
    }

    private boolean lives() {
        if (!process.alive(context.tid())) {
            process.kill();
        }
        return !process.dead();
    }

    @Override
    public void interrupt() {
        interrupted.set(true);
        if (inGuest) {
            process.signal(context.tid(), SIGUSR1);
        }
    }

    /** The address of the context for {@code asker}, if the thread is its own and stopped; or 0. */
    long stopped(SystrapAddressSpace asker) {
        return space == asker && !inGuest ? address : 0;
    }

    /** Has the thread populate a range before it goes on, if it is {@code asker}'s and stopped with a signal frame. */
    boolean populateOnReturn(SystrapAddressSpace asker, long start, long length) {
        if (stopped(asker) == 0 || !framed) {
            return false;
        }
        ctx.set(JAVA_LONG, CTX_POPULATE, start);
        ctx.set(JAVA_LONG, CTX_POPULATE + Long.BYTES, length);
        return true;
    }

    /** Lets a {@link #run} of a killed process see that it is. */
    void wake() {
        StubCalls.wake(address + CTX_STATE);
    }

    private void store(Registers r) {
        if (framed) {
            storeFrame(r);
        } else {
            storeChanged(r);
        }
    }

    /** Writes what differs from the last stop: each cache line left alone is two transfers less. */
    private void storeChanged(Registers r) {
        MemorySegment ctx = this.ctx;
        Registers old = seen;
        change(ctx, CTX_RAX, old.rax, r.rax);
        change(ctx, CTX_RIP, old.rip, r.rip);
        change(ctx, CTX_RCX, old.rcx, r.rcx);
        change(ctx, CTX_RSP, old.rsp, r.rsp);
        change(ctx, CTX_RDI, old.rdi, r.rdi);
        change(ctx, CTX_RSI, old.rsi, r.rsi);
        change(ctx, CTX_RDX, old.rdx, r.rdx);
        change(ctx, CTX_R10, old.r10, r.r10);
        change(ctx, CTX_R8, old.r8, r.r8);
        change(ctx, CTX_R9, old.r9, r.r9);
        change(ctx, CTX_R11, old.r11, r.r11);
        change(ctx, CTX_EFLAGS, old.eflags, r.eflags);
        change(ctx, CTX_FS_BASE, old.fsBase, canonical(r.fsBase));
        change(ctx, CTX_RBX, old.rbx, r.rbx);
        change(ctx, CTX_RBP, old.rbp, r.rbp);
        change(ctx, CTX_R12, old.r12, r.r12);
        change(ctx, CTX_R13, old.r13, r.r13);
        change(ctx, CTX_R14, old.r14, r.r14);
        change(ctx, CTX_R15, old.r15, r.r15);
    }

    private static void change(MemorySegment ctx, long offset, long old, long now) {
        if (old != now) {
            ctx.set(JAVA_LONG, offset, now);
        }
    }

    private void storeFrame(Registers r) {
        uc.set(JAVA_LONG, Frame.R8, r.r8);
        uc.set(JAVA_LONG, Frame.R9, r.r9);
        uc.set(JAVA_LONG, Frame.R10, r.r10);
        uc.set(JAVA_LONG, Frame.R11, r.r11);
        uc.set(JAVA_LONG, Frame.R12, r.r12);
        uc.set(JAVA_LONG, Frame.R13, r.r13);
        uc.set(JAVA_LONG, Frame.R14, r.r14);
        uc.set(JAVA_LONG, Frame.R15, r.r15);
        uc.set(JAVA_LONG, Frame.RDI, r.rdi);
        uc.set(JAVA_LONG, Frame.RSI, r.rsi);
        uc.set(JAVA_LONG, Frame.RBP, r.rbp);
        uc.set(JAVA_LONG, Frame.RBX, r.rbx);
        uc.set(JAVA_LONG, Frame.RDX, r.rdx);
        uc.set(JAVA_LONG, Frame.RAX, r.rax);
        uc.set(JAVA_LONG, Frame.RCX, r.rcx);
        uc.set(JAVA_LONG, Frame.RSP, r.rsp);
        uc.set(JAVA_LONG, Frame.RIP, r.rip);
        uc.set(JAVA_LONG, Frame.EFLAGS, r.eflags);
        ctx.set(JAVA_LONG, CTX_FS_BASE, canonical(r.fsBase));
        ctx.set(
                JAVA_LONG,
                CTX_GS_BASE,
                r.gsBase == 0
                        ? context.address()
                        : canonical(r.gsBase)); // the stub finds the context by it
    }

    private void load(Registers r) {
        if (framed) {
            loadFrame(r);
        } else {
            loadContext(seen);
            copy(seen, r);
        }
        r.origRax = -1;
        r.restartRip = r.rip;
    }

    private void loadContext(Registers r) {
        long[] words = this.words;
        r.rax = words[ContextWords.RAX];
        r.rip = words[ContextWords.RIP];
        r.rcx = words[ContextWords.RCX];
        r.rsp = words[ContextWords.RSP];
        r.rdi = words[ContextWords.RDI];
        r.rsi = words[ContextWords.RSI];
        r.rdx = words[ContextWords.RDX];
        r.r10 = words[ContextWords.R10];
        r.r8 = words[ContextWords.R8];
        r.r9 = words[ContextWords.R9];
        r.r11 = words[ContextWords.R11];
        r.eflags = words[ContextWords.EFLAGS];
        r.fsBase = canonical(words[ContextWords.FS_BASE]);
        r.rbx = words[ContextWords.RBX];
        r.rbp = words[ContextWords.RBP];
        r.r12 = words[ContextWords.R12];
        r.r13 = words[ContextWords.R13];
        r.r14 = words[ContextWords.R14];
        r.r15 = words[ContextWords.R15];
    }

    private static void copy(Registers from, Registers to) {
        to.rax = from.rax;
        to.rip = from.rip;
        to.rcx = from.rcx;
        to.rsp = from.rsp;
        to.rdi = from.rdi;
        to.rsi = from.rsi;
        to.rdx = from.rdx;
        to.r10 = from.r10;
        to.r8 = from.r8;
        to.r9 = from.r9;
        to.r11 = from.r11;
        to.eflags = from.eflags;
        to.fsBase = from.fsBase;
        to.gsBase = 0;
        to.rbx = from.rbx;
        to.rbp = from.rbp;
        to.r12 = from.r12;
        to.r13 = from.r13;
        to.r14 = from.r14;
        to.r15 = from.r15;
    }

    private void loadFrame(Registers r) {
        r.r8 = uc.get(JAVA_LONG, Frame.R8);
        r.r9 = uc.get(JAVA_LONG, Frame.R9);
        r.r10 = uc.get(JAVA_LONG, Frame.R10);
        r.r11 = uc.get(JAVA_LONG, Frame.R11);
        r.r12 = uc.get(JAVA_LONG, Frame.R12);
        r.r13 = uc.get(JAVA_LONG, Frame.R13);
        r.r14 = uc.get(JAVA_LONG, Frame.R14);
        r.r15 = uc.get(JAVA_LONG, Frame.R15);
        r.rdi = uc.get(JAVA_LONG, Frame.RDI);
        r.rsi = uc.get(JAVA_LONG, Frame.RSI);
        r.rbp = uc.get(JAVA_LONG, Frame.RBP);
        r.rbx = uc.get(JAVA_LONG, Frame.RBX);
        r.rdx = uc.get(JAVA_LONG, Frame.RDX);
        r.rax = uc.get(JAVA_LONG, Frame.RAX);
        r.rcx = uc.get(JAVA_LONG, Frame.RCX);
        r.rsp = uc.get(JAVA_LONG, Frame.RSP);
        r.rip = uc.get(JAVA_LONG, Frame.RIP);
        r.eflags = uc.get(JAVA_LONG, Frame.EFLAGS);
        r.fsBase = canonical(ctx.get(JAVA_LONG, CTX_FS_BASE));
        long gs = ctx.get(JAVA_LONG, CTX_GS_BASE);
        r.gsBase = gs == context.address() ? 0 : canonical(gs);
    }

    /** The instruction that sets a base faults on what is not canonical. */
    private static long canonical(long base) {
        return base << 16 >> 16 == base ? base : 0;
    }

    @Override
    public void moveBeside(int cpu) {
        HostCpu.move(0, cpu);
        HostCpu.move(context.tid(), cpu);
    }

    @Override
    public void idle() {
        ctx.set(JAVA_INT, CTX_TOGETHER, 0); // who waits for others is well off beside them
        if ((int) INT.getAcquire(ctx, CTX_STUB_WAIT) == 0 && !process.ending()) {
            INT.compareAndSet(ctx, CTX_STATE, STATE_STOPPED, STATE_IDLE);
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
        if (trapNumber != PAGE_FAULT) {
            return PROT_READ;
        }
        return (errorCode & FETCH) != 0
                ? PROT_EXEC
                : (errorCode & WRITE) != 0 ? PROT_WRITE : PROT_READ;
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
        frame();
        layout.save(fp, target);
    }

    @Override
    public void loadFp(MemorySegment source) {
        frame();
        layout.load(source, fp);
    }

    @Override
    public void resetFp() {
        frame();
        layout.reset(fp);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (!process.ending()) {
            INT.setVolatile(ctx, CTX_STATE, STATE_EXIT);
            wake();
            process.freeContext(context.index());
        }
        space.remove(this);
    }
}
