package dev.thaw.gofer;

import static dev.thaw.abi.Errno.*;
import static dev.thaw.abi.Fcntl.*;
import static dev.thaw.gofer.GoferProtocol.*;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import dev.thaw.host.Wire;
import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import dev.thaw.host.WireWriter;

/** The requests that change something; all answer EROFS below a read-only root. Used by the lane's thread alone. */
final class GoferMutations {
    private static final int PERMISSIONS = 0xfff;
    private static final long UTIME_NOW = 0x3fffffff;
    private static final long UTIME_OMIT = 0x3ffffffe;

    private final GoferHandles handles;
    private final WireReader in;
    private final WireWriter out;
    private final HostStat stat = new HostStat();

    GoferMutations(GoferHandles handles, Wire wire) {
        this.handles = handles;
        this.in = wire.in();
        this.out = wire.out();
    }

    /** Returns the new file's descriptor. */
    int create() throws WireException {
        int handle = in.i32();
        String path = in.string();
        int flags = in.i32();
        int mode = in.i32() & PERMISSIONS;
        int uid = in.i32();
        int gid = in.i32();
        in.end();
        if ((flags & ~GoferSession.OPEN_FLAGS) != 0 || (flags & O_ACCMODE) == O_ACCMODE) {
            return -EINVAL;
        }
        int parent = parent(handle, path);
        if (parent < 0) {
            return parent;
        }
        try {
            String name = leaf(path);
            int fd =
                    HostFiles.openat2(
                            parent,
                            name,
                            flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                            mode,
                            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
            if (fd < 0) {
                return fd;
            }
            int result = own(fd, mode, uid, gid);
            if (result < 0) {
                HostFiles.close(fd);
                HostFiles.unlinkat(parent, name, 0);
                return result;
            }
            writeAttributes(out, stat);
            return fd;
        } finally {
            HostFiles.close(parent);
        }
    }

    int make(int op) throws WireException {
        int handle = in.i32();
        String path = in.string();
        int mode = in.i32();
        int uid = in.i32();
        int gid = in.i32();
        String target = in.string();
        in.end();
        int type = mode & S_IFMT;
        if (op == OP_MKNOD && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK) {
            return -EPERM;
        }
        if (op == OP_SYMLINK && (target.isEmpty() || target.indexOf('\0') >= 0)) {
            return -EINVAL;
        }
        int parent = parent(handle, path);
        if (parent < 0) {
            return parent;
        }
        try {
            String name = leaf(path);
            int permissions = mode & PERMISSIONS;
            int result =
                    switch (op) {
                        case OP_MKDIR -> HostFiles.mkdirat(parent, name, permissions);
                        case OP_MKNOD -> HostFiles.mknodat(parent, name, type | permissions, 0);
                        default -> HostFiles.symlinkat(target, parent, name);
                    };
            if (result < 0) {
                return result;
            }
            int fd =
                    HostFiles.openat2(
                            parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, RESOLVE_BENEATH);
            result = fd < 0 ? fd : own(fd, op == OP_SYMLINK ? -1 : permissions, uid, gid);
            if (fd >= 0) {
                HostFiles.close(fd);
            }
            if (result < 0) {
                HostFiles.unlinkat(parent, name, op == OP_MKDIR ? AT_REMOVEDIR : 0);
                return result;
            }
            writeAttributes(out, stat);
            return 0;
        } finally {
            HostFiles.close(parent);
        }
    }

    int two(int op) throws WireException {
        int handle = in.i32();
        String path = in.string();
        int newHandle = in.i32();
        String newPath = in.string();
        int flags = in.i32();
        in.end();
        GoferHandles.Handle from = handles.get(handle);
        GoferHandles.Handle to = handles.get(newHandle);
        if (from == null || to == null) {
            return -EBADF;
        }
        if (from.root() != to.root()) {
            return -EXDEV;
        }
        if (op == OP_LINK ? flags != 0 : (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0) {
            return -EINVAL;
        }
        int newParent = parent(newHandle, newPath);
        if (newParent < 0) {
            return newParent;
        }
        int old = op == OP_LINK ? handles.lookup(handle, path, stat) : parent(handle, path);
        int result = old;
        if (old >= 0) {
            result =
                    op == OP_LINK
                            ? HostFiles.linkat(
                                    handles.procFd(),
                                    Integer.toString(old),
                                    newParent,
                                    leaf(newPath),
                                    AT_SYMLINK_FOLLOW)
                            : HostFiles.renameat2(old, leaf(path), newParent, leaf(newPath), flags);
            HostFiles.close(old);
        }
        HostFiles.close(newParent);
        return result;
    }

    int unlink() throws WireException {
        int handle = in.i32();
        String path = in.string();
        int flags = in.i32();
        in.end();
        if ((flags & ~AT_REMOVEDIR) != 0) {
            return -EINVAL;
        }
        int parent = parent(handle, path);
        if (parent < 0) {
            return parent;
        }
        int result = HostFiles.unlinkat(parent, leaf(path), flags);
        HostFiles.close(parent);
        return result;
    }

    int setattr() throws WireException {
        int handle = in.i32();
        String path = in.string();
        int mask = in.i32();
        int mode = in.i32() & PERMISSIONS;
        int uid = in.i32();
        int gid = in.i32();
        long size = in.i64();
        long atime = in.i64();
        long mtime = in.i64();
        in.end();
        if ((mask & ~SET_ALL) != 0 || ((mask & SET_SIZE) != 0 && size < 0)) {
            return -EINVAL;
        }
        int fd = writable(handle, path);
        if (fd < 0) {
            return fd;
        }
        try {
            int result = (mask & SET_SIZE) != 0 ? resize(fd, size) : 0;
            if (result >= 0 && (mask & (SET_UID | SET_GID)) != 0) {
                result =
                        HostFiles.fchownat(
                                fd,
                                "",
                                (mask & SET_UID) != 0 ? uid : -1,
                                (mask & SET_GID) != 0 ? gid : -1,
                                AT_EMPTY_PATH);
            }
            if (result >= 0 && (mask & SET_MODE) != 0) { // after chown, which clears set-id bits
                result =
                        stat.type() == S_IFLNK
                                ? -EOPNOTSUPP
                                : HostFiles.fchmodat(handles.procFd(), Integer.toString(fd), mode);
            }
            if (result >= 0
                    && (mask & (SET_ATIME | SET_MTIME | SET_ATIME_NOW | SET_MTIME_NOW)) != 0) {
                result = setTimes(fd, mask, atime, mtime);
            }
            if (result >= 0) {
                result = HostFiles.fstat(fd, stat);
            }
            if (result >= 0) {
                writeAttributes(out, stat);
            }
            return result;
        } finally {
            HostFiles.close(fd);
        }
    }

    int fsync() throws WireException {
        int handle = in.i32();
        String path = in.string();
        in.end();
        int fd = writable(handle, path);
        if (fd < 0) {
            return fd;
        }
        int opened =
                stat.type() == S_IFREG || stat.type() == S_IFDIR
                        ? handles.reopen(fd, O_RDONLY)
                        : -EINVAL;
        int result = opened;
        if (opened >= 0) {
            result = HostFiles.fsync(opened);
            HostFiles.close(opened);
        }
        HostFiles.close(fd);
        return result;
    }

    private int resize(int fd, long size) {
        if (stat.type() != S_IFREG) {
            return stat.type() == S_IFDIR ? -EISDIR : -EINVAL;
        }
        int opened = handles.reopen(fd, O_WRONLY);
        if (opened < 0) {
            return opened;
        }
        int result = HostFiles.ftruncate(opened, size);
        HostFiles.close(opened);
        return result;
    }

    private static int setTimes(int fd, int mask, long atime, long mtime) {
        long asec = Math.floorDiv(atime, 1_000_000_000L);
        long msec = Math.floorDiv(mtime, 1_000_000_000L);
        long ansec =
                (mask & SET_ATIME_NOW) != 0
                        ? UTIME_NOW
                        : (mask & SET_ATIME) != 0
                                ? Math.floorMod(atime, 1_000_000_000L)
                                : UTIME_OMIT;
        long mnsec =
                (mask & SET_MTIME_NOW) != 0
                        ? UTIME_NOW
                        : (mask & SET_MTIME) != 0
                                ? Math.floorMod(mtime, 1_000_000_000L)
                                : UTIME_OMIT;
        return HostFiles.utimensat(fd, "", asec, ansec, msec, mnsec, AT_EMPTY_PATH);
    }

    /** Gives a new file its owner and mode (-1: none), and reads its attributes. */
    private int own(int fd, int mode, int uid, int gid) {
        int result = HostFiles.fchownat(fd, "", uid, gid, AT_EMPTY_PATH);
        if (result >= 0 && mode >= 0) {
            result = HostFiles.fchmodat(handles.procFd(), Integer.toString(fd), mode);
        }
        return result < 0 ? result : HostFiles.fstat(fd, stat);
    }

    /** An O_PATH descriptor of a file that may be changed, or {@code -errno}. */
    private int writable(int handle, String path) {
        GoferHandles.Handle base = handles.get(handle);
        if (base != null && base.readOnly()) {
            return -EROFS;
        }
        int fd = handles.lookup(handle, path, stat);
        if (fd >= 0 && handles.isBarred(stat.dev, fd)) {
            HostFiles.close(fd);
            return -EACCES;
        }
        return fd;
    }

    /** An O_PATH descriptor of the directory that {@link #leaf} of {@code path} is a name in. */
    private int parent(int handle, String path) {
        int bad = path.isEmpty() ? -EINVAL : GoferHandles.check(path);
        if (bad < 0) {
            return bad;
        }
        int slash = path.lastIndexOf('/');
        int fd = writable(handle, slash < 0 ? "" : path.substring(0, slash));
        if (fd >= 0 && stat.type() != S_IFDIR) {
            HostFiles.close(fd);
            return -ENOTDIR;
        }
        return fd;
    }

    private static String leaf(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
