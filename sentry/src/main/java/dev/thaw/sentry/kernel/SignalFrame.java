package dev.thaw.sentry.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Signals;
import dev.thaw.platform.Registers;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.signal.AlternateStack;
import dev.thaw.sentry.signal.SignalAction;
import dev.thaw.sentry.signal.SignalInfo;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The frame that a handler finds on its stack (x86-64 {@code struct rt_sigframe}), written and read back.
 *
 * <pre>
 *   0 pretcode (the restorer's address)
 *   8 ucontext: 0 uc_flags, 8 uc_link, 16 uc_stack (base, flags, size), 40 sigcontext (256 bytes), 296 uc_sigmask
 * 312 siginfo (128 bytes)
 * 440 end; above it, aligned to 64, the xsave area that sigcontext.fpstate points to, with FP_XSTATE_MAGIC2 after it
 * </pre>
 */
final class SignalFrame {
    static final int SIZE = 440;
    static final int UCONTEXT = 8;
    static final int INFO = 312;
    private static final int UC_STACK = UCONTEXT + 16;
    private static final int CONTEXT = UCONTEXT + 40;
    private static final int SIGMASK = UCONTEXT + 296;
    private static final int FPSTATE = CONTEXT + 184;
    private static final long UC_FLAGS =
            7; // UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS

    private static final int MAGIC1 = 0x46505853;
    private static final int MAGIC2 = 0x46505845;
    private static final int SW_BYTES = 464;
    private static final int LEGACY = 512;
    private static final int HEADER_END = 576;

    private static final int RED_ZONE = 128;
    private static final long EFLAGS_RESTORABLE = 0x50dd5;
    private static final long EFLAGS_CLEARED = 0x10500; // RF, DF, TF

    /** Pushes a frame for {@code action} and points the registers at the handler. EFAULT when the stack can not take it. */
    static void push(Task task, SignalInfo info, SignalAction action) throws ErrnoException {
        if (!action.has(Signals.SA_RESTORER)) {
            throw ErrnoException.errno(Errno.EFAULT);
        }
        Registers regs = task.registers();
        TaskSignals signals = task.signals();
        AlternateStack stack = signals.alternateStack();
        long sp = regs.rsp - RED_ZONE;
        boolean onStack = stack.contains(regs.rsp);
        boolean entering = action.has(Signals.SA_ONSTACK) && stack.enabled() && !onStack;
        if (entering) {
            sp = stack.base() + stack.size();
        }
        byte[] fp = task.runLoop.frameFp();
        long fpAddress = 0;
        if (fp.length >= HEADER_END) {
            sp = (sp - fp.length - 4) & -64L;
            fpAddress = sp;
        }
        sp = ((sp - SIZE) & -16L) - 8;
        if ((onStack || entering)
                && !stack.contains(sp)
                && (stack.flags() & AlternateStack.AUTODISARM) == 0) {
            throw ErrnoException.errno(Errno.EFAULT); // the alternate stack has overflowed
        }
        if (fpAddress != 0) {
            byte[] area = Arrays.copyOf(fp, fp.length + 4);
            MemorySegment segment = MemorySegment.ofArray(area);
            segment.asSlice(SW_BYTES, LEGACY - SW_BYTES).fill((byte) 0);
            segment.set(JAVA_INT_UNALIGNED, SW_BYTES, MAGIC1);
            segment.set(JAVA_INT_UNALIGNED, SW_BYTES + 4, fp.length + 4);
            segment.set(JAVA_LONG_UNALIGNED, SW_BYTES + 8, Features.xfeatures(segment));
            segment.set(JAVA_INT_UNALIGNED, SW_BYTES + 16, fp.length);
            segment.set(JAVA_INT_UNALIGNED, fp.length, MAGIC2);
            task.mm().copyOut(fpAddress, segment, 0, area.length);
        }
        long mask = signals.hasTemporaryMask() ? signals.permanentMask() : signals.mask();
        MemorySegment frame = MemorySegment.ofArray(new byte[SIZE]);
        frame.set(JAVA_LONG_UNALIGNED, 0, action.restorer());
        frame.set(JAVA_LONG_UNALIGNED, UCONTEXT, fpAddress == 0 ? UC_FLAGS & ~1 : UC_FLAGS);
        frame.set(JAVA_LONG_UNALIGNED, UC_STACK, stack.base());
        frame.set(JAVA_INT_UNALIGNED, UC_STACK + 8, stack.statusAt(regs.rsp));
        frame.set(JAVA_LONG_UNALIGNED, UC_STACK + 16, stack.size());
        writeContext(frame, regs, signals, mask, fpAddress);
        frame.set(JAVA_LONG_UNALIGNED, SIGMASK, mask);
        MemorySegment.copy(MemorySegment.ofArray(info.bytes()), 0, frame, INFO, SignalInfo.SIZE);
        task.mm().copyOut(sp, frame, 0, SIZE);

        signals.maskForFrame();
        if ((stack.flags() & AlternateStack.AUTODISARM) != 0) {
            signals.setAlternateStack(AlternateStack.NONE);
        }
        regs.rsp = sp;
        regs.rip = action.handler();
        regs.rdi = info.signal();
        regs.rsi = sp + INFO;
        regs.rdx = sp + UCONTEXT;
        regs.rax = 0;
        regs.eflags &= ~EFLAGS_CLEARED;
    }

    private static void writeContext(
            MemorySegment frame, Registers regs, TaskSignals signals, long mask, long fpAddress) {
        long[] words = {
            regs.r8,
            regs.r9,
            regs.r10,
            regs.r11,
            regs.r12,
            regs.r13,
            regs.r14,
            regs.r15,
            regs.rdi,
            regs.rsi,
            regs.rbp,
            regs.rbx,
            regs.rdx,
            regs.rax,
            regs.rcx,
            regs.rsp,
            regs.rip,
            regs.eflags
        };
        for (int i = 0; i < words.length; i++) {
            frame.set(JAVA_LONG_UNALIGNED, CONTEXT + 8L * i, words[i]);
        }
        frame.set(JAVA_SHORT_UNALIGNED, CONTEXT + 144, (short) 0x33);
        frame.set(JAVA_SHORT_UNALIGNED, CONTEXT + 150, (short) 0x2b);
        frame.set(JAVA_LONG_UNALIGNED, CONTEXT + 152, signals.errorCode);
        frame.set(JAVA_LONG_UNALIGNED, CONTEXT + 160, signals.trapNumber);
        frame.set(JAVA_LONG_UNALIGNED, CONTEXT + 168, mask);
        frame.set(JAVA_LONG_UNALIGNED, CONTEXT + 176, signals.faultAddress);
        frame.set(JAVA_LONG_UNALIGNED, FPSTATE, fpAddress);
    }

    /** rt_sigreturn(2): takes the frame at the stack pointer back. EFAULT or EINVAL for one that can not be. */
    static void pop(Task task) throws ErrnoException {
        Registers regs = task.registers();
        byte[] bytes = task.mm().copyInBytes(regs.rsp - 8, SIZE);
        MemorySegment frame = MemorySegment.ofArray(bytes);
        long rip = frame.get(JAVA_LONG_UNALIGNED, CONTEXT + 128);
        if (rip < 0 || rip >= task.kernel().platform().maxAddress()) {
            throw ErrnoException.errno(Errno.EFAULT);
        }
        long fpAddress = frame.get(JAVA_LONG_UNALIGNED, FPSTATE);
        byte[] fp = fpAddress == 0 ? null : readFp(task, fpAddress);

        long[] words = new long[18];
        for (int i = 0; i < words.length; i++) {
            words[i] = frame.get(JAVA_LONG_UNALIGNED, CONTEXT + 8L * i);
        }
        task.runLoop.setFp(fp); // throws before anything else has changed
        regs.r8 = words[0];
        regs.r9 = words[1];
        regs.r10 = words[2];
        regs.r11 = words[3];
        regs.r12 = words[4];
        regs.r13 = words[5];
        regs.r14 = words[6];
        regs.r15 = words[7];
        regs.rdi = words[8];
        regs.rsi = words[9];
        regs.rbp = words[10];
        regs.rbx = words[11];
        regs.rdx = words[12];
        regs.rax = words[13];
        regs.rcx = words[14];
        regs.rsp = words[15];
        regs.rip = rip;
        regs.eflags = regs.eflags & ~EFLAGS_RESTORABLE | words[17] & EFLAGS_RESTORABLE;
        regs.origRax = -1;
        task.signals().setMask(frame.get(JAVA_LONG_UNALIGNED, SIGMASK));
        restoreStack(task, frame);
    }

    private static void restoreStack(Task task, MemorySegment frame) {
        long base = frame.get(JAVA_LONG_UNALIGNED, UC_STACK);
        int flags = frame.get(JAVA_INT_UNALIGNED, UC_STACK + 8);
        long size = frame.get(JAVA_LONG_UNALIGNED, UC_STACK + 16);
        int mode = flags & ~AlternateStack.AUTODISARM;
        if (mode == Signals.SS_DISABLE) {
            task.signals().setAlternateStack(AlternateStack.NONE);
        } else if ((mode == 0 || mode == Signals.SS_ONSTACK) && size >= 2048) {
            task.signals()
                    .setAlternateStack(
                            new AlternateStack(base, flags & AlternateStack.AUTODISARM, size));
        }
    }

    /** Reads the floating-point area of a frame and brings it into the form the platform takes; only the legacy part when the rest is not marked right. */
    private static byte[] readFp(Task task, long address) throws ErrnoException {
        int size = task.runLoop.fpSize();
        byte[] legacy = task.mm().copyInBytes(address, LEGACY);
        MemorySegment head = MemorySegment.ofArray(legacy);
        int stated = head.get(JAVA_INT_UNALIGNED, SW_BYTES + 16);
        boolean extended =
                head.get(JAVA_INT_UNALIGNED, SW_BYTES) == MAGIC1
                        && stated == size
                        && head.get(JAVA_INT_UNALIGNED, SW_BYTES + 4) >= size + 4
                        && task.mm().readInt(address + size) == MAGIC2;
        byte[] area;
        if (extended) {
            area = task.mm().copyInBytes(address, size);
        } else {
            area = Arrays.copyOf(legacy, size);
        }
        MemorySegment segment = MemorySegment.ofArray(area);
        if (!extended) {
            segment.asSlice(LEGACY, size - LEGACY).fill((byte) 0);
            segment.set(
                    JAVA_LONG_UNALIGNED,
                    LEGACY,
                    3); // x87 and SSE are there, the rest is in its initial state
        }
        segment.asSlice(SW_BYTES, LEGACY - SW_BYTES).fill((byte) 0);
        int mxcsrMask = segment.get(JAVA_INT_UNALIGNED, 28);
        int mxcsr = segment.get(JAVA_INT_UNALIGNED, 24);
        if ((mxcsr & ~(mxcsrMask == 0 ? 0xffbf : mxcsrMask & 0xffff)) != 0) {
            throw ErrnoException.errno(Errno.EFAULT);
        }
        return area;
    }

    /** What the machine's xsave areas hold. */
    private static final class Features {
        /** The feature mask for the frame: x87, SSE and what the area's own header says is in use. */
        static long xfeatures(MemorySegment area) {
            return area.get(JAVA_LONG_UNALIGNED, LEGACY) | 3;
        }
    }

    private SignalFrame() {}
}
