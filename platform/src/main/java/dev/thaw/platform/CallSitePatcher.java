package dev.thaw.platform;

/**
 * What a platform needs of a memory manager to patch system call sites (see {@link AddressSpace#setPatcher}). The platform calls it on the task's own thread, from inside
 * {@link GuestThread#run}, with no lock of the memory manager held. What is written becomes ordinary private memory of the guest: inherited by fork, kept by a checkpoint.
 */
public interface CallSitePatcher {
    /** Copies guest memory at {@code address} to {@code target}; false when not all of it is mapped executable. */
    boolean readText(long address, byte[] target);

    /**
     * Replaces {@code expected} at {@code address} by {@code replacement} of the same length (within one page), whatever the mapping's protection, in a private copy of the page that
     * takes the old page's place at once for all threads (never written in place while it is mapped). False, with nothing changed, when the bytes differ or the mapping is shared, writable for the guest or not executable.
     */
    boolean writeText(long address, byte[] expected, byte[] replacement);

    /** Maps {@code length} zero bytes, private, readable and executable, not writable, all within 2 GiB (less {@code length}) of {@code near}; returns the address, or 0. */
    long allocateTrampolines(long near, long length);
}
