package dev.thaw.sentry.fs.gofer;

import dev.thaw.host.HostStat;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.InodeAttributes;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;

/** A FIFO, socket or device node on the host: the node is the host's, what it opens is the Sentry's own. */
@SuppressWarnings("NullAway.Init")
final class GoferSpecial extends Inode {
    private GoferName at;

    GoferSpecial(GoferFilesystem fs, GoferName at, HostStat stat) {
        super(fs, stat.ino, stat.mode, stat.uid, stat.gid);
        this.at = at;
        setRdev(stat.rdev);
        setNlink(stat.nlink);
        setTimes(stat.atime, stat.mtime, stat.ctime);
    }

    private GoferSpecial() {}

    GoferName at() {
        return at;
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0384)
    public record State(int fs, InodeAttributes attributes, int parent, String name) {}

    @Override
    public Record save(SaveContext context) {
        return new State(
                context.ref(fs()), saveAttributes(context), context.ref(at.parent()), at.name());
    }

    static final Restorer<State, GoferSpecial> RESTORER =
            new Restorer<>() {
                @Override
                public GoferSpecial create(State state, RestoreContext context) {
                    return new GoferSpecial();
                }

                @Override
                public void link(GoferSpecial node, State state, RestoreContext context) {
                    node.restoreInode(state.fs, state.attributes, context);
                    node.at = GoferNames.restore(node, state.parent, state.name, context);
                }
            };
}
