package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.ESTALE;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import org.jspecify.annotations.Nullable;

/** A file that was open or current at a checkpoint and does not exist where the sandbox was restored. Every use fails with ESTALE. */
final class GoneInode extends Inode {
    GoneInode(Filesystem fs) {
        super(fs, 0, S_IFREG, 0, 0);
    }

    private GoneInode() {}

    @Override
    public @Nullable Inode lookup(String name) throws ErrnoException {
        throw errno(ESTALE);
    }

    @Override
    public FileDescription open(@Nullable Task task, Location location, int flags)
            throws ErrnoException {
        throw errno(ESTALE);
    }

    /** Nothing but where it was. */
    @StateType(id = 0x0304)
    public record State(int fs, InodeAttributes attributes) {}

    @Override
    public Record save(SaveContext context) {
        return new State(context.ref(fs()), saveAttributes(context));
    }

    static final Restorer<State, GoneInode> RESTORER =
            new Restorer<>() {
                @Override
                public GoneInode create(State state, RestoreContext context) {
                    return new GoneInode();
                }

                @Override
                public void link(GoneInode inode, State state, RestoreContext context) {
                    inode.restoreInode(state.fs, state.attributes, context);
                }
            };
}
