package dev.thaw.platform.ptrace;

import static dev.thaw.abi.Errno.EINTR;
import static dev.thaw.abi.Sysno.SYS_ptrace;
import static dev.thaw.abi.Sysno.SYS_wait4;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.thaw.host.RawSyscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A traced thread ({@code ptrace(2)}). All calls come from the one thread that seized it. Functions return {@code -errno} on failure. */
final class Tracee {
    /** {@link #await}: the thread is gone. */
    static final int GONE = -1;

    /** {@link #await}: stopped, but not by a signal. */
    static final int NO_SIGNAL = 0;

    private static final int CONT = 7;
    private static final int GETREGS = 12;
    private static final int SETREGS = 13;
    private static final int DETACH = 17;
    private static final int GETSIGINFO = 0x4202;
    private static final int GETREGSET = 0x4204;
    private static final int SETREGSET = 0x4205;
    private static final int SEIZE = 0x4206;
    private static final int INTERRUPT = 0x4207;
    private static final int SETSIGMASK = 0x420b;
    private static final int NT_X86_XSTATE = 0x202;
    private static final int WALL = 0x40000000;
    private static final int WORDS = 27;
    private static final int XSTATE_ROOM = 1 << 15;

    private final int tid;
    private final MemorySegment memory = Arena.ofAuto().allocate(512 + XSTATE_ROOM, 64);
    private final MemorySegment registers = memory.asSlice(0, WORDS * 8);
    private final MemorySegment info = memory.asSlice(256, 128);
    private final MemorySegment vector = memory.asSlice(384, 16);
    private final MemorySegment word = memory.asSlice(400, 8);

    /** The floating-point state, between {@link #getFp} and {@link #setFp}. */
    final MemorySegment fp = memory.asSlice(512, XSTATE_ROOM);

    Tracee(int tid) {
        this.tid = tid;
    }

    int seize() {
        return ptrace(SEIZE, 0, 0);
    }

    int interrupt() {
        return ptrace(INTERRUPT, 0, 0);
    }

    int proceed() {
        return ptrace(CONT, 0, 0);
    }

    int detach() {
        return ptrace(DETACH, 0, 0);
    }

    /** Waits for the next stop; returns the signal that made it. */
    int await() {
        while (true) {
            long result = RawSyscall.call(SYS_wait4, tid, word.address(), WALL, 0, 0, 0);
            if (result == -EINTR) {
                continue;
            }
            int status = word.get(JAVA_INT, 0);
            if (result != tid || (status & 0xff) != 0x7f) {
                return GONE;
            }
            return status >> 16 != 0 ? NO_SIGNAL : status >> 8 & 0xff;
        }
    }

    int getRegisters(long[] words) {
        int error = ptrace(GETREGS, 0, registers.address());
        MemorySegment.copy(registers, JAVA_LONG, 0, words, 0, WORDS);
        return error;
    }

    int setRegisters(long[] words) {
        MemorySegment.copy(words, 0, registers, JAVA_LONG, 0, WORDS);
        return ptrace(SETREGS, 0, registers.address());
    }

    int unblockSignals() {
        word.set(JAVA_LONG, 0, 0);
        return ptrace(SETSIGMASK, 8, word.address());
    }

    /** The {@code siginfo_t} of the signal that stopped the thread. */
    MemorySegment signalInfo() {
        ptrace(GETSIGINFO, 0, info.address());
        return info;
    }

    int getFp() {
        vector.set(JAVA_LONG, 0, fp.address());
        vector.set(JAVA_LONG, 8, XSTATE_ROOM);
        return ptrace(GETREGSET, NT_X86_XSTATE, vector.address());
    }

    /** Sets what {@link #getFp} has fetched and the caller changed. */
    int setFp() {
        return ptrace(SETREGSET, NT_X86_XSTATE, vector.address());
    }

    private int ptrace(int request, long address, long data) {
        return (int) RawSyscall.call(SYS_ptrace, request, tid, address, data, 0, 0);
    }
}
