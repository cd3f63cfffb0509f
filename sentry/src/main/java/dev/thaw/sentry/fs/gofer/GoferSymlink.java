package dev.thaw.sentry.fs.gofer;

import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.host.HostStat;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.InodeAttributes;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** A symbolic link of the host; its target never changes. */
@SuppressWarnings("NullAway.Init")
final class GoferSymlink extends Inode {
    private GoferName at;
    private volatile @Nullable String target;
    private long length;

    GoferSymlink(GoferFilesystem fs, GoferName at, HostStat stat) {
        super(fs, stat.ino, stat.mode, stat.uid, stat.gid);
        this.at = at;
        this.length = stat.size;
        setNlink(stat.nlink);
        setTimes(stat.atime, stat.mtime, stat.ctime);
    }

    private GoferSymlink() {}

    GoferName at() {
        return at;
    }

    @Override
    public long size() {
        return length;
    }

    @Override
    public String readLink(@Nullable Task task) throws ErrnoException {
        String known = target;
        if (known == null) {
            GoferFilesystem fs = (GoferFilesystem) fs();
            byte[] out = new byte[4096];
            int count = fs.client().readlink(fs.handle(), at.path(), out);
            if (count < 0) {
                throw errno(-count);
            }
            known = new String(out, 0, count, StandardCharsets.ISO_8859_1);
            target = known;
        }
        return known;
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x0383)
    public record State(int fs, InodeAttributes attributes, int parent, String name, long length) {}

    @Override
    public Record save(SaveContext context) {
        return new State(
                context.ref(fs()),
                saveAttributes(context),
                context.ref(at.parent()),
                at.name(),
                length);
    }

    static final Restorer<State, GoferSymlink> RESTORER =
            new Restorer<>() {
                @Override
                public GoferSymlink create(State state, RestoreContext context) {
                    return new GoferSymlink();
                }

                @Override
                public void link(GoferSymlink link, State state, RestoreContext context) {
                    link.restoreInode(state.fs, state.attributes, context);
                    link.length = state.length;
                    link.at = GoferNames.restore(link, state.parent, state.name, context);
                }
            };
}
