package dev.thaw.sentry.fs.tmpfs;

import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.InodeAttributes;
import dev.thaw.sentry.vfs.NewNode;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import org.jspecify.annotations.Nullable;

/** A symbolic link in memory. */
public final class TmpfsSymlink extends Inode {
    private final String target;

    TmpfsSymlink(Filesystem fs, NewNode node, String target) {
        super(fs, fs.nextIno(), node.mode(), node.uid(), node.gid());
        this.target = target;
    }

    private TmpfsSymlink(String target) {
        this.target = target;
    }

    @Override
    public long size() {
        return target.length();
    }

    @Override
    public String readLink(@Nullable Task task) {
        return target;
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0342)
    public record State(int fs, InodeAttributes attributes, String target) {}

    @Override
    public Record save(SaveContext context) {
        return new State(context.ref(fs()), saveAttributes(context), target);
    }

    static final Restorer<State, TmpfsSymlink> RESTORER =
            new Restorer<>() {
                @Override
                public TmpfsSymlink create(State state, RestoreContext context) {
                    return new TmpfsSymlink(state.target);
                }

                @Override
                public void link(TmpfsSymlink link, State state, RestoreContext context) {
                    link.restoreInode(state.fs, state.attributes, context);
                }
            };
}
