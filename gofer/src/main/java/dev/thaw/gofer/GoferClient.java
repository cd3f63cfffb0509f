package dev.thaw.gofer;

import static dev.thaw.abi.Errno.ENAMETOOLONG;
import static dev.thaw.gofer.GoferProtocol.*;

import dev.thaw.host.HostStat;
import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import java.util.ArrayList;
import java.util.List;

/**
 * The Sentry's side of the file protocol. Thread-safe: calls of several tasks run at once, each on a lane of its own. Every function returns {@code -errno} on
 * failure; {@code -EIO} also means that the gofer is gone or talks nonsense.
 *
 * <p>A file is named by a handle (a root, or one made by {@link #handle}) and a path below it: names joined by "/", without ".", ".." or an empty name; the empty
 * path is the handle's own file. Symlinks are never followed, the last one included: the caller walks them. Strings hold raw bytes (ISO-8859-1).
 */
public final class GoferClient implements AutoCloseable {
    private final GoferLanes lanes;
    private final List<GoferRoot> roots;

    /** Takes over {@code socketFd}, whose other end is the gofer's (SOCK_SEQPACKET), and says hello. */
    public GoferClient(int socketFd) throws WireException {
        this.lanes = new GoferLanes(socketFd);
        this.roots = hello();
    }

    /** What the gofer serves; the container's root file system is the first. */
    public List<GoferRoot> roots() {
        return roots;
    }

    private List<GoferRoot> hello() throws WireException {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_HELLO).i32(VERSION);
            int count = lane.call();
            if (count < 0) {
                throw new WireException(
                        "the gofer refused version " + VERSION + ": errno " + -count);
            }
            WireReader in = lane.in();
            List<GoferRoot> found = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                boolean readOnly = in.u8() != 0;
                found.add(new GoferRoot(i, readOnly, in.string()));
            }
            return List.copyOf(found);
        } finally {
            lanes.release(lane);
        }
    }

    /**
     * Looks the names up one below the other. Returns how many were found, their attributes in {@code out}. The walk ends early after a file that is no directory;
     * where a lookup failed and none was found before it, the result is its {@code -errno}.
     */
    public int walk(int handle, String path, String[] names, HostStat[] out) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_WALK).i32(handle).string(path).i32(names.length);
            for (String name : names) {
                lane.out().string(name);
            }
            int count = lane.call();
            for (int i = 0; i < count; i++) {
                out[i] = new HostStat();
                readAttributes(lane.in(), out[i]);
            }
            return count;
        } catch (WireException | IndexOutOfBoundsException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** The attributes of one file. */
    public int stat(int handle, String path, HostStat out) {
        return attributes(OP_STAT, handle, path, out);
    }

    /** A new handle to a file or directory, which {@link #close(int)} gives back. It stays with the file whatever the file's name becomes. */
    public int handle(int handle, String path, HostStat out) {
        return attributes(OP_HANDLE, handle, path, out);
    }

    private int attributes(int op, int handle, String path, HostStat out) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(op).i32(handle).string(path);
            int result = lane.call();
            if (result >= 0) {
                readAttributes(lane.in(), out);
            }
            return result;
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Gives a handle back. */
    public int close(int handle) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_CLOSE).i32(handle);
            return lane.call();
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Adds all entries of a directory, with attributes, to {@code out}. A name that vanishes while it is read is left out. */
    public int readdir(int handle, String path, List<DirectoryEntry> out) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_READDIR).i32(handle).string(path);
            int count = lane.call();
            while (count > 0) {
                for (int i = 0; i < count; i++) {
                    HostStat attributes = new HostStat();
                    readAttributes(lane.in(), attributes);
                    out.add(new DirectoryEntry(lane.in().string(), attributes));
                }
                lane.begin(OP_READMORE);
                count = lane.call();
            }
            return count;
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** The target of a symlink into {@code out}; returns its length. */
    public int readlink(int handle, String path, byte[] out) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_READLINK).i32(handle).string(path);
            int result = lane.call();
            if (result < 0) {
                return result;
            }
            byte[] target = lane.in().bytes();
            if (target.length > out.length) {
                return -ENAMETOOLONG;
            }
            System.arraycopy(target, 0, out, 0, target.length);
            return target.length;
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Opens a regular file (EINVAL for anything else): returns a descriptor of the host, the caller's to close. Flags: access mode, O_APPEND, O_TRUNC. */
    public int open(int handle, String path, int flags) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_OPEN).i32(handle).string(path).i32(flags);
            return lane.callForFd();
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** {@code statfs} of the file system below: see {@link dev.thaw.host.HostFiles#fstatfs} for the ten words. */
    public int statfs(int handle, String path, long[] out) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_STATFS).i32(handle).string(path);
            int result = lane.call();
            for (int i = 0; result >= 0 && i < 10; i++) {
                out[i] = lane.in().i64();
            }
            return result;
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Creates a regular file (EEXIST where the name is taken) and opens it: returns a descriptor of the host and the new file's attributes. */
    public int create(
            int handle, String path, int flags, int mode, int uid, int gid, HostStat out) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_CREATE).i32(handle).string(path).i32(flags).i32(mode).i32(uid).i32(gid);
            int fd = lane.callForFd();
            if (fd >= 0) {
                readAttributes(lane.in(), out);
            }
            return fd;
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Makes a directory. */
    public int mkdir(int handle, String path, int mode, int uid, int gid, HostStat out) {
        return make(OP_MKDIR, handle, path, mode, uid, gid, "", out);
    }

    /** Makes a FIFO, a socket's name or an empty regular file; EPERM for devices. */
    public int mknod(int handle, String path, int mode, int uid, int gid, HostStat out) {
        return make(OP_MKNOD, handle, path, mode, uid, gid, "", out);
    }

    /** Makes a symlink. */
    public int symlink(int handle, String path, String target, int uid, int gid, HostStat out) {
        return make(OP_SYMLINK, handle, path, 0, uid, gid, target, out);
    }

    private int make(
            int op,
            int handle,
            String path,
            int mode,
            int uid,
            int gid,
            String target,
            HostStat out) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(op).i32(handle).string(path).i32(mode).i32(uid).i32(gid).string(target);
            int result = lane.call();
            if (result >= 0) {
                readAttributes(lane.in(), out);
            }
            return result;
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Makes a second name of a file; both lie in one root. */
    public int link(int handle, String path, int newHandle, String newPath) {
        return two(OP_LINK, handle, path, newHandle, newPath, 0);
    }

    /** Renames; flags as of renameat2(2). Both names lie in one root. */
    public int rename(int handle, String path, int newHandle, String newPath, int flags) {
        return two(OP_RENAME, handle, path, newHandle, newPath, flags);
    }

    private int two(int op, int handle, String path, int newHandle, String newPath, int flags) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(op).i32(handle).string(path).i32(newHandle).string(newPath).i32(flags);
            return lane.call();
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Removes a name; flags may hold AT_REMOVEDIR. */
    public int unlink(int handle, String path, int flags) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_UNLINK).i32(handle).string(path).i32(flags);
            return lane.call();
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Changes what {@code mask} (SET_…) names; times are nanoseconds since 1970. {@code out} gets the attributes afterwards. */
    public int setattr(
            int handle,
            String path,
            int mask,
            int mode,
            int uid,
            int gid,
            long size,
            long atime,
            long mtime,
            HostStat out) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_SETATTR)
                    .i32(handle)
                    .string(path)
                    .i32(mask)
                    .i32(mode)
                    .i32(uid)
                    .i32(gid)
                    .i64(size)
                    .i64(atime)
                    .i64(mtime);
            int result = lane.call();
            if (result >= 0) {
                readAttributes(lane.in(), out);
            }
            return result;
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Syncs a directory (a file is synced through its own descriptor). */
    public int fsync(int handle, String path) {
        GoferLane lane = lanes.acquire();
        try {
            lane.begin(OP_FSYNC).i32(handle).string(path);
            return lane.call();
        } catch (WireException e) {
            return lane.failed(e);
        } finally {
            lanes.release(lane);
        }
    }

    /** Ends the connection, and with it the gofer. */
    @Override
    public void close() {
        lanes.close();
    }
}
