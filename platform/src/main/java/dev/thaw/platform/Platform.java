package dev.thaw.platform;

import dev.thaw.platform.memory.MemoryFile;

/** A way to run guest code (gVisor: {@code platform.Platform}). One for each sandbox process; safe for use by any thread. */
public interface Platform extends AutoCloseable {
    /** The name that {@code --platform} takes. */
    String name();

    /** Where the guest's memory lives. Its descriptors are known to every address space. */
    MemoryFile memory();

    /** First byte after the guest's part of an address space; the platform's own code lies above. */
    long maxAddress();

    /** Makes an empty address space (on systrap and ptrace: a stub process). Throws when the host refuses. */
    AddressSpace newAddressSpace() throws PlatformException;

    /** Has {@code action} run, on a thread of its own, when what makes address spaces was killed from outside: no new one can be made then, and the old ones are dead. */
    default void whenLost(Runnable action) {}

    /** Ends every address space and the helpers behind them. */
    @Override
    void close();
}
