package dev.thaw.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Small native memory of each thread, for the arguments of one host call at a time: two path names, and structs. */
final class HostScratch {
    /** PATH_MAX of Linux, the terminating zero included. */
    static final int PATH_MAX = 4096;

    private static final long STRUCTS = 2 * PATH_MAX;
    private static final long SIZE = STRUCTS + 1024;

    private static final ThreadLocal<MemorySegment> SEGMENT =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(SIZE, 64));

    /** Stores a path (raw bytes as ISO-8859-1) in slot 0 or 1 and returns its address, or 0 where it is too long. A zero byte ends it early, so callers refuse one. */
    static long path(int slot, String path) {
        int length = path.length();
        if (length >= PATH_MAX) {
            return 0;
        }
        MemorySegment segment = SEGMENT.get();
        long at = (long) slot * PATH_MAX;
        MemorySegment.copy(
                path.getBytes(StandardCharsets.ISO_8859_1),
                0,
                segment,
                ValueLayout.JAVA_BYTE,
                at,
                length);
        segment.set(ValueLayout.JAVA_BYTE, at + length, (byte) 0);
        return segment.address() + at;
    }

    /** The 1 KiB for structs; what it held before is left in it. */
    static MemorySegment structs() {
        return SEGMENT.get().asSlice(STRUCTS, SIZE - STRUCTS);
    }

    private HostScratch() {}
}
