package dev.thaw.sentry.fs.overlay;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.InodeAttributes;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import org.jspecify.annotations.Nullable;

/** A symbolic link, FIFO, socket or device of a layer below. */
@SuppressWarnings("NullAway.Init")
final class OverlayNode extends Inode implements OverlayInode {
    private Inode lower;
    private volatile boolean changed;

    OverlayNode(OverlayFilesystem fs, Inode lower) {
        super(fs, lower.ino(), lower.mode(), lower.uid(), lower.gid());
        this.lower = lower;
        setNlink(lower.nlink());
        setRdev(lower.rdev());
        setTimes(lower.atime(), lower.mtime(), lower.ctime());
    }

    private OverlayNode() {}

    @Override
    public long size() {
        return lower.size();
    }

    @Override
    public String readLink(@Nullable Task task) throws ErrnoException {
        return lower.readLink(task);
    }

    @Override
    public boolean isClean() {
        return !changed && attachment() == null;
    }

    @Override
    public void markChanged() {
        changed = true;
    }

    @Override
    public void chmod(int permissions) throws ErrnoException {
        changed = true;
        super.chmod(permissions);
    }

    @Override
    public void chown(int uid, int gid) throws ErrnoException {
        changed = true;
        super.chown(uid, gid);
    }

    @Override
    public void utimes(long atime, long mtime) throws ErrnoException {
        changed = true;
        super.utimes(atime, mtime);
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0363)
    public record State(int fs, InodeAttributes attributes, int lower, boolean changed) {}

    @Override
    public Record save(SaveContext context) {
        return new State(context.ref(fs()), saveAttributes(context), context.ref(lower), changed);
    }

    static final Restorer<State, OverlayNode> RESTORER =
            new Restorer<>() {
                @Override
                public OverlayNode create(State state, RestoreContext context) {
                    return new OverlayNode();
                }

                @Override
                public void link(OverlayNode node, State state, RestoreContext context) {
                    node.restoreInode(state.fs, state.attributes, context);
                    node.lower = context.get(state.lower, Inode.class);
                    node.changed = state.changed;
                }
            };
}
