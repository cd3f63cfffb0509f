package dev.thaw.platform;

import java.lang.foreign.MemorySegment;

/**
 * A thread of guest code. All methods but {@link #interrupt} are for one Java thread, the task's own (ptrace: only that thread may trace it).
 */
public interface GuestThread extends AutoCloseable {
    /**
     * Runs guest code from {@code registers} until it makes a system call, faults, or is interrupted; then {@code registers} hold the guest's state. After a
     * system call {@code rip} is the address to return to, {@code rax} the call number and {@link Registers#restartRip} the address that makes the same call again.
     */
    StopReason run(Registers registers);

    /** Makes a {@link #run} in progress, or else the next one, return {@link StopReason#INTERRUPTED} soon. From any thread. */
    void interrupt();

    /** After {@link StopReason#FAULT}: the host signal (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP). */
    int faultSignal();

    /** After a fault: {@code si_code}. */
    int faultCode();

    /** After a fault: {@code si_addr}. */
    long faultAddress();

    /** After a SIGSEGV or SIGBUS: which of PROT_READ, PROT_WRITE, PROT_EXEC was tried. On ptrace a write to what is not mapped at all counts as a read. */
    int faultAccess();

    /** After a fault or trap: the x86 trap number and error code, as a signal frame wants them. */
    long trapNumber();

    long errorCode();

    /** Bytes of the floating-point state: a whole xsave area in the standard format with this host's enabled features. */
    int fpSize();

    /** Copies the stopped guest's floating-point state ({@link #fpSize} bytes) to {@code target}. */
    void saveFp(MemorySegment target);

    /** Sets the floating-point state that the next {@link #run} starts with. The area is checked: a bad header throws {@link IllegalArgumentException}. */
    void loadFp(MemorySegment source);

    /** Sets the initial floating-point state of a fresh program. */
    void resetFp();

    /** A hint: the guest will not run again soon, so it need not be kept ready. */
    default void idle() {}

    /** A hint: who this thread waits for, and who waits for it, runs on processor {@code cpu} of the host. Called by the thread that calls {@link #run}. */
    default void moveBeside(int cpu) {}

    /** Ends the thread. Idempotent. */
    @Override
    void close();
}
