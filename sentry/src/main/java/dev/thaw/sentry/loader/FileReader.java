package dev.thaw.sentry.loader;

import static dev.thaw.abi.Errno.EIO;
import static dev.thaw.abi.Errno.ENOEXEC;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Reads headers from a file that is to be executed. */
record FileReader(Task task, FileDescription file) {
    /** Up to {@code length} bytes; fewer at the end of the file. */
    byte[] read(long offset, int length) throws ErrnoException {
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            IoBuffer rest = IoBuffer.of(MemorySegment.ofArray(bytes).asSlice(done));
            long count = file.pread(task, rest, offset + done);
            if (count < 0) {
                throw errno(EIO); // a regular file never blocks
            }
            if (count == 0) {
                return Arrays.copyOf(bytes, done);
            }
            done += (int) count;
        }
        return bytes;
    }

    /** Exactly {@code length} bytes, or ENOEXEC. */
    byte[] readFully(long offset, int length) throws ErrnoException {
        byte[] bytes = read(offset, length);
        if (bytes.length < length) {
            throw errno(ENOEXEC);
        }
        return bytes;
    }
}
