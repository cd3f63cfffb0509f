package dev.thaw.state.image;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** A file to write. */
@FunctionalInterface
public interface ByteSink {
    /** Writes all of {@code data} (native memory) at {@code position}. For a page pack both are multiples of 4096. */
    void write(MemorySegment data, long position) throws IOException;
}
