package dev.thaw.sentry.net.unix;

import static dev.thaw.abi.Errno.EADDRINUSE;
import static dev.thaw.abi.Errno.ECONNREFUSED;
import static dev.thaw.abi.Errno.EEXIST;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Fcntl.S_IFSOCK;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Access;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.NameOperations;
import dev.thaw.sentry.vfs.PathWalk;
import org.jspecify.annotations.Nullable;

/** A socket's name in the file system: the inode whose attachment is the socket. */
record UnixPath(Inode inode) {
    /** Makes the socket file {@code path} and binds {@code socket} to it. */
    static void bind(Task task, UnixSocket socket, String path) throws ErrnoException {
        Location made;
        try {
            int mode = S_IFSOCK | 0x1ff & ~task.fs().umask();
            made = new NameOperations(task).makeNode(task.fs().cwd(), path, mode, 0);
        } catch (ErrnoException e) {
            throw e.errno() == EEXIST ? errno(EADDRINUSE) : e;
        }
        UnixSocket.CONNECTIONS.lock();
        try {
            if (socket.name.isEmpty()) {
                restore(made.inode(), socket);
                socket.name = path;
                return;
            }
        } finally {
            UnixSocket.CONNECTIONS.unlock();
        }
        new NameOperations(task).unlink(task.fs().cwd(), path);
        throw errno(EINVAL); // it has a name already; as Linux, this is found out last
    }

    /** The socket bound to {@code path}, null when its file has none (any more); ENOENT, EACCES, ECONNREFUSED for another kind of file. */
    static @Nullable UnixSocket find(Task task, String path) throws ErrnoException {
        Inode inode = new PathWalk(task).resolve(task.fs().cwd(), path, true).inode();
        Access.check(task.credentials(), inode, Access.WRITE);
        if (inode.type() != S_IFSOCK) {
            throw errno(ECONNREFUSED);
        }
        return inode.attachment() instanceof UnixSocket socket ? socket : null;
    }

    static void restore(Inode inode, UnixSocket socket) {
        socket.path = new UnixPath(inode);
        inode.setAttachment(socket);
    }

    /** The socket is closed. */
    void forget(UnixSocket socket) {
        if (inode.attachment() == socket) {
            inode.setAttachment(null);
        }
    }
}
