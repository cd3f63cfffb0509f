package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;

/** What open(2) with O_PATH gives: a place, and nothing to read or write. */
final class PathDescription extends FileDescription {
    PathDescription(Inode inode, int flags) {
        super(flags);
        inode.opened();
    }

    private PathDescription(State state) {
        super(state.file);
    }

    @Override
    protected void release() {
        inode().released();
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        throw errno(EBADF);
    }

    @Override
    public long write(Task task, IoBuffer source) throws ErrnoException {
        throw errno(EBADF);
    }

    @Override
    public long pread(Task task, IoBuffer target, long offset) throws ErrnoException {
        throw errno(EBADF);
    }

    @Override
    public long pwrite(Task task, IoBuffer source, long offset) throws ErrnoException {
        throw errno(EBADF);
    }

    @Override
    public long seek(Task task, long offset, int whence) throws ErrnoException {
        throw errno(EBADF);
    }

    @Override
    public long ioctl(Task task, int command, long argument) throws ErrnoException {
        throw errno(EBADF);
    }

    @Override
    public int poll(int mask) {
        return dev.thaw.abi.Poll.POLLNVAL;
    }

    /** Only the common part. */
    @StateType(id = 0x0309)
    public record State(FileState file) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFile(context));
    }

    static final Restorer<State, PathDescription> RESTORER =
            new Restorer<>() {
                @Override
                public PathDescription create(State state, RestoreContext context) {
                    return new PathDescription(state);
                }

                @Override
                public void link(PathDescription file, State state, RestoreContext context) {
                    file.restoreFile(state.file, context);
                    context.afterLink(() -> file.inode().opened());
                }
            };
}
