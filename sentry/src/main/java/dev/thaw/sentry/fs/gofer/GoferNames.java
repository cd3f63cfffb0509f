package dev.thaw.sentry.fs.gofer;

import static dev.thaw.gofer.GoferProtocol.SET_ATIME;
import static dev.thaw.gofer.GoferProtocol.SET_GID;
import static dev.thaw.gofer.GoferProtocol.SET_MTIME;
import static dev.thaw.gofer.GoferProtocol.SET_UID;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.host.HostStat;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Timestamps;
import dev.thaw.state.RestoreContext;

/** What all kinds of gofer inode do by name. */
final class GoferNames {
    static HostStat setattr(
            GoferFilesystem fs,
            GoferName at,
            int mask,
            int mode,
            int uid,
            int gid,
            long atime,
            long mtime)
            throws ErrnoException {
        HostStat out = new HostStat();
        int result =
                fs.client()
                        .setattr(
                                fs.handle(), at.path(), mask, mode, uid, gid, 0, atime, mtime, out);
        if (result < 0) {
            throw errno(-result);
        }
        return out;
    }

    static int ownerMask(int uid, int gid) {
        return (uid != -1 ? SET_UID : 0) | (gid != -1 ? SET_GID : 0);
    }

    static int timeMask(long atime, long mtime) {
        return (atime != Timestamps.OMIT ? SET_ATIME : 0)
                | (mtime != Timestamps.OMIT ? SET_MTIME : 0);
    }

    static GoferName restore(Inode inode, int parent, String name, RestoreContext context) {
        GoferDirectory up = context.getOrNull(parent, GoferDirectory.class);
        if (up != null && inode.nlink() > 0) {
            up.restoreChild(name, inode);
        }
        return new GoferName(up, name);
    }

    private GoferNames() {}
}
