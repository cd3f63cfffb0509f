package dev.thaw.sentry.fs.pipe;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EPIPE;
import static dev.thaw.abi.Signals.SIGPIPE;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FileDescription;
import java.lang.foreign.MemorySegment;

/** Moves bytes between pipes and other files through a buffer of the Sentry; each step is one that never blocks. */
public final class Splice {
    private static final int STEP = 64 << 10;

    /** Room in {@code to}, {@code -EAGAIN} for none, {@code -EPIPE} (with the signal) without readers. */
    public static long room(Task task, PipeFile to) {
        if (!to.pipe().hasReaders()) {
            task.sendSelf(SIGPIPE);
            return -EPIPE;
        }
        int room = to.pipe().room();
        return room == 0 ? -EAGAIN : room;
    }

    /** Writes the front of {@code from} to {@code out}, at {@code offset} or, when that is negative, at its position. */
    public static long fromPipe(
            Task task, PipeFile from, FileDescription out, long offset, long length)
            throws ErrnoException {
        byte[] bytes =
                new byte
                        [(int)
                                Math.min(
                                        Math.min(length, STEP),
                                        Math.max(1, from.pipe().available()))];
        long taken = from.pipe().read(IoBuffer.of(bytes));
        if (taken <= 0) {
            return taken;
        }
        long written = 0;
        try {
            IoBuffer source = IoBuffer.of(MemorySegment.ofArray(bytes).asSlice(0, taken));
            written = offset < 0 ? out.write(task, source) : out.pwrite(task, source, offset);
            return written;
        } finally {
            int done = (int) Math.max(0, written);
            if (done < taken) {
                from.pipe().pushBack(bytes, done, (int) taken - done);
            }
        }
    }

    /** Reads from {@code in} into {@code to}, at most {@code length} bytes, for which there is room. */
    public static long toPipe(Task task, FileDescription in, long offset, PipeFile to, long length)
            throws ErrnoException {
        byte[] bytes = new byte[(int) Math.min(length, STEP)];
        IoBuffer target = IoBuffer.of(bytes);
        long got = offset < 0 ? in.read(task, target) : in.pread(task, target, offset);
        return got <= 0 ? got : to.pipe().append(bytes, (int) got);
    }

    /** Copies from the front of {@code from} to {@code to}; takes the bytes away from {@code from} when {@code take}. */
    public static long between(Task task, PipeFile from, PipeFile to, long length, boolean take)
            throws ErrnoException {
        byte[] bytes =
                new byte
                        [(int)
                                Math.min(
                                        Math.min(length, STEP),
                                        Math.max(1, from.pipe().available()))];
        long got = take ? from.pipe().read(IoBuffer.of(bytes)) : from.pipe().peek(bytes);
        if (got <= 0) {
            return got == 0 && from.pipe().hasWriters() ? -EAGAIN : got;
        }
        return to.pipe().append(bytes, (int) got);
    }

    private Splice() {}
}
