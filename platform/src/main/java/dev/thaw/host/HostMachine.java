package dev.thaw.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.thaw.abi.Sysno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What the host's machine has. */
public final class HostMachine {
    private static final long UNKNOWN = 8L << 30;

    /** Bytes of memory, by sysinfo(2): totalram at 32, mem_unit at 104. A guess where the call is not allowed any more. */
    public static long memoryBytes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(112, 8);
            // SAFETY: the kernel writes the 112 bytes of struct sysinfo, which live until the call
            // is over.
            long result = RawSyscall.call(Sysno.SYS_sysinfo, info.address(), 0, 0, 0, 0, 0);
            return result < 0
                    ? UNKNOWN
                    : info.get(JAVA_LONG, 32) * Math.max(1, info.get(JAVA_INT, 104));
        }
    }

    private HostMachine() {}
}
