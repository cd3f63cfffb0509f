package dev.thaw.state.image;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** A file to read. */
public interface ByteSource {
    long size() throws IOException;

    /** Fills all of {@code target} (native memory) from {@code position} on; throws at the end of file. */
    void read(MemorySegment target, long position) throws IOException;
}
