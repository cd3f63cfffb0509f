package dev.thaw.sentry.fs.pipe;

import static dev.thaw.abi.Errno.ENXIO;
import static dev.thaw.abi.Fcntl.O_ACCMODE;
import static dev.thaw.abi.Fcntl.O_NONBLOCK;
import static dev.thaw.abi.Fcntl.O_RDONLY;
import static dev.thaw.abi.Fcntl.O_WRONLY;
import static dev.thaw.abi.Fcntl.S_IFIFO;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.SpecialFiles;
import org.jspecify.annotations.Nullable;

/** Opening of FIFOs (fifo(7)): each side waits for the other, unless O_NONBLOCK. */
public final class Fifos {
    /** Has the VFS open FIFOs here. */
    public static void register() {
        SpecialFiles.register(
                S_IFIFO,
                (task, node, flags) -> open(task, (Pipe) node.attachmentOr(Pipe::new), flags));
    }

    /**
     * Opens the FIFO whose inode keeps {@code pipe}. Blocks the task until there is another side; throws ENXIO for a writer that may not wait, ERESTARTSYS when interrupted.
     */
    public static PipeFile open(@Nullable Task task, Pipe pipe, int flags) throws ErrnoException {
        int mode = flags & O_ACCMODE;
        boolean waits = (flags & O_NONBLOCK) == 0;
        if (mode == O_WRONLY && !waits && !pipe.hasReaders()) {
            throw errno(ENXIO);
        }
        int writersBefore = pipe.writersEver();
        int readersBefore = pipe.readersEver();
        boolean alone =
                mode == O_RDONLY ? !pipe.hasWriters() : mode == O_WRONLY && !pipe.hasReaders();
        PipeFile file = new PipeFile(pipe, flags, mode == O_RDONLY && alone ? writersBefore : -1);
        if (!waits || !alone || task == null) {
            return file;
        }
        Task.TaskWaiter waiter = task.waiter();
        pipe.queue().add(waiter, POLLIN | POLLOUT);
        try {
            while (true) {
                waiter.clear();
                // Counted by openings: the other side may have come and gone in the meantime.
                boolean met =
                        mode == O_RDONLY
                                ? pipe.writersEver() != writersBefore
                                : pipe.readersEver() != readersBefore;
                if (met) {
                    return file;
                }
                int blocked = task.block(Long.MAX_VALUE);
                if (blocked != 0) {
                    file.close();
                    throw errno(-blocked);
                }
            }
        } finally {
            pipe.queue().remove(waiter);
        }
    }

    private Fifos() {}
}
