package dev.thaw.platform;

/** Why {@link GuestThread#run} returned. */
public enum StopReason {
    /** The guest made a system call. */
    SYSCALL,
    /** The guest took a host fault: page fault, division by zero, illegal instruction, breakpoint. */
    FAULT,
    /** {@link GuestThread#interrupt} was called; the guest is between two instructions. */
    INTERRUPTED,
    /** The host thread is gone (killed from outside, or the guest broke its stub): the task dies by SIGKILL. */
    DEAD
}
