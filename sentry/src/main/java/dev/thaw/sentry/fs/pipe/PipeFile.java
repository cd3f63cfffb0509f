package dev.thaw.sentry.fs.pipe;

import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EPIPE;
import static dev.thaw.abi.Fcntl.O_ACCMODE;
import static dev.thaw.abi.Fcntl.O_RDONLY;
import static dev.thaw.abi.Fcntl.O_WRONLY;
import static dev.thaw.abi.Fcntl.S_IFIFO;
import static dev.thaw.abi.Ioctls.FIONREAD;
import static dev.thaw.abi.Poll.POLLERR;
import static dev.thaw.abi.Poll.POLLHUP;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.abi.Poll.POLLRDNORM;
import static dev.thaw.abi.Poll.POLLWRNORM;
import static dev.thaw.abi.Signals.SIGPIPE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.wait.Waiter;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import org.jspecify.annotations.Nullable;

/** One end of a pipe, or both (a FIFO opened O_RDWR). */
public final class PipeFile extends FileDescription {
    private Pipe pipe; // set again only by a restore
    private final boolean reads;
    private final boolean writes;

    /** Write ends that the pipe had had when this end was opened: none since then, no hang-up. */
    private final int writersAtOpen;

    PipeFile(Pipe pipe, int statusFlags, int writersAtOpen) {
        super(statusFlags);
        this.pipe = pipe;
        reads = (statusFlags & O_ACCMODE) != O_WRONLY;
        writes = (statusFlags & O_ACCMODE) != O_RDONLY;
        this.writersAtOpen = writersAtOpen;
        pipe.addEnd(reads, writes);
    }

    private PipeFile(State state) {
        super(state.file);
        pipe = new Pipe(); // until it is linked
        reads = isReadable();
        writes = isWritable();
        writersAtOpen = state.writersAtOpen;
    }

    /** The read end of a new pipe, and the write end. */
    public static PipeFile[] create(int flags) {
        Pipe pipe = new Pipe();
        return new PipeFile[] {
            new PipeFile(pipe, O_RDONLY | flags, -1), new PipeFile(pipe, O_WRONLY | flags, -1)
        };
    }

    /** The buffer behind this end. */
    public Pipe pipe() {
        return pipe;
    }

    boolean reads() {
        return reads;
    }

    boolean writes() {
        return writes;
    }

    @Override
    protected void release() {
        pipe.removeEnd(reads, writes);
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        if (!reads) {
            throw errno(EBADF);
        }
        return pipe.read(target);
    }

    @Override
    public long write(Task task, IoBuffer source) throws ErrnoException {
        if (!writes) {
            throw errno(EBADF);
        }
        long result = pipe.write(source);
        if (result == -EPIPE) {
            task.sendSelf(SIGPIPE);
        }
        return result;
    }

    @Override
    public String description() {
        return "pipe:[" + inode().ino() + "]";
    }

    @Override
    public int anonymousMode() {
        return S_IFIFO | 0x180;
    }

    @Override
    public FileDescription reopen(@Nullable Task task, int flags) throws ErrnoException {
        return new PipeFile(
                pipe, flags,
                -1); // a pipe without a name never waits for its other side: fs/pipe.c, fifo_open
    }

    @Override
    public long ioctl(Task task, int command, long argument) throws ErrnoException {
        if (command == FIONREAD) {
            task.mm().writeInt(argument, pipe.available());
            return 0;
        }
        return super.ioctl(task, command, argument);
    }

    /** fcntl(F_GETPIPE_SZ). */
    public int pipeSize() {
        return pipe.capacity();
    }

    /** fcntl(F_SETPIPE_SZ); {@code privileged} is CAP_SYS_RESOURCE. Returns the size it got. */
    public int setPipeSize(int size, boolean privileged) throws ErrnoException {
        return pipe.setCapacity(size, privileged);
    }

    @Override
    public int poll(int mask) {
        int ready = 0;
        if (reads) {
            if (pipe.available() > 0) {
                ready |= POLLIN | POLLRDNORM;
            }
            if (!pipe.hasWriters() && pipe.writersEver() != writersAtOpen) {
                ready |= POLLHUP;
            }
        }
        if (writes) {
            if (pipe.room() >= Pipe.PIPE_BUF) {
                ready |= POLLOUT | POLLWRNORM;
            }
            if (!pipe.hasReaders()) {
                ready |= POLLERR;
            }
        }
        return ready & (mask | POLLERR | POLLHUP);
    }

    @Override
    public void addWaiter(Waiter waiter, int mask) {
        pipe.queue().add(waiter, mask);
    }

    @Override
    public void removeWaiter(Waiter waiter) {
        pipe.queue().remove(waiter);
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0401, version = 1)
    public record State(FileState file, int pipe, int writersAtOpen) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFile(context), context.ref(pipe), writersAtOpen);
    }

    static final Restorer<State, PipeFile> RESTORER =
            new Restorer<>() {
                @Override
                public PipeFile create(State state, RestoreContext context) {
                    return new PipeFile(state);
                }

                @Override
                public void link(PipeFile file, State state, RestoreContext context) {
                    file.restoreFile(state.file, context);
                    file.pipe = context.get(state.pipe, Pipe.class);
                    file.pipe.addEnd(file.reads, file.writes);
                }
            };
}
