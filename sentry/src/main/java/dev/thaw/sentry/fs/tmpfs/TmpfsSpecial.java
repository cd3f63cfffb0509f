package dev.thaw.sentry.fs.tmpfs;

import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.InodeAttributes;
import dev.thaw.sentry.vfs.NewNode;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;

/** A FIFO, socket or device node in memory. */
public final class TmpfsSpecial extends Inode {
    TmpfsSpecial(Filesystem fs, NewNode node) {
        super(fs, fs.nextIno(), node.mode(), node.uid(), node.gid());
        setRdev(node.rdev());
    }

    private TmpfsSpecial() {}

    /** What a checkpoint keeps. */
    @StateType(id = 0x0343)
    public record State(int fs, InodeAttributes attributes) {}

    @Override
    public Record save(SaveContext context) {
        return new State(context.ref(fs()), saveAttributes(context));
    }

    static final Restorer<State, TmpfsSpecial> RESTORER =
            new Restorer<>() {
                @Override
                public TmpfsSpecial create(State state, RestoreContext context) {
                    return new TmpfsSpecial();
                }

                @Override
                public void link(TmpfsSpecial node, State state, RestoreContext context) {
                    node.restoreInode(state.fs, state.attributes, context);
                }
            };
}
