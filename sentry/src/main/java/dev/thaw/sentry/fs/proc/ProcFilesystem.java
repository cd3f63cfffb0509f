package dev.thaw.sentry.fs.proc;

import dev.thaw.abi.Mount;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.FsStat;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import org.jspecify.annotations.Nullable;

/** The {@code proc} file system. It shows what is; so a checkpoint keeps no more of it than that it is there, and a restore makes it again. */
public final class ProcFilesystem extends Filesystem {
    private @Nullable Kernel kernel; // set by the constructor or the restore, then final

    public ProcFilesystem(Kernel kernel) {
        this.kernel = kernel;
        setRoot(new ProcRoot(this));
    }

    private ProcFilesystem() {}

    /** The kernel that it shows. */
    Kernel kernel() {
        Kernel current = kernel;
        if (current == null) {
            throw new IllegalStateException("not linked yet");
        }
        return current;
    }

    @Override
    public String name() {
        return "proc";
    }

    @Override
    public FsStat statfs() {
        return new FsStat(Mount.PROC_SUPER_MAGIC, 4096, 0, 0, 0, 0, 0, 255, 0);
    }

    @Override
    public boolean isRebuilt() {
        return true;
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x03c0, version = 1)
    public record State(FsState fs, int kernel) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFs(context), context.ref(kernel()));
    }

    static final Restorer<State, ProcFilesystem> RESTORER =
            new Restorer<>() {
                @Override
                public ProcFilesystem create(State state, RestoreContext context) {
                    return new ProcFilesystem();
                }

                @Override
                public void link(ProcFilesystem fs, State state, RestoreContext context) {
                    fs.kernel = context.get(state.kernel, Kernel.class);
                    fs.setRoot(new ProcRoot(fs));
                    fs.restoreFs(state.fs, context);
                }
            };
}
