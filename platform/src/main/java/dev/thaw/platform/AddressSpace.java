package dev.thaw.platform;

import org.jspecify.annotations.Nullable;

/**
 * The host's side of one guest address space: what is mapped where. It is a cache of the memory manager's page table: the platform may be
 * asked to forget any part of it at any time, and a guest access to what is not mapped comes back as {@link StopReason#FAULT}.
 *
 * <p>{@code caller} names the guest thread on whose behalf the calling (Java) thread acts, if that guest thread is of this address space and stopped; its
 * stub then does the work, which is the fast way. With {@code null} the address space's own helper thread does it. All addresses, lengths and offsets are multiples of 4096.
 */
public interface AddressSpace extends AutoCloseable {
    /**
     * Maps {@code length} bytes of file {@code file} (0 is the memory file, others its base files) at {@code address}, replacing what was there. The
     * work may be put off until {@code caller} runs next. {@code prot} is of PROT_READ, PROT_WRITE, PROT_EXEC. With {@code populate} the host's pages are made at once.
     *
     * @return 0, or {@code -ENOMEM} when the host has no room for another mapping: {@link #unmap} everything and start again
     */
    int map(
            @Nullable GuestThread caller,
            long address,
            long length,
            int file,
            long offset,
            int prot,
            boolean populate);

    /** Withdraws the mappings of the range. When it returns, no guest thread can reach the pages any more. */
    void unmap(@Nullable GuestThread caller, long address, long length);

    /** Narrows or widens access to what is mapped in the range; holes are allowed. Done when it returns. */
    void protect(@Nullable GuestThread caller, long address, long length, int prot);

    /** Lets the platform replace system call instructions by jumps to itself, through {@code patcher}. A platform that gains nothing by it ignores this. */
    default void setPatcher(CallSitePatcher patcher) {}

    /** Makes a guest thread in this address space. It does not run before {@link GuestThread#run}. */
    GuestThread newThread() throws PlatformException;

    /** Ends the address space and all its guest threads. Idempotent; pages are not given back here. */
    @Override
    void close();
}
