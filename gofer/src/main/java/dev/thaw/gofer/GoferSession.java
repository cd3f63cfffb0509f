package dev.thaw.gofer;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOSYS;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Errno.EPROTONOSUPPORT;
import static dev.thaw.abi.Errno.EROFS;
import static dev.thaw.abi.Fcntl.*;
import static dev.thaw.gofer.GoferProtocol.*;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import dev.thaw.host.Wire;
import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import dev.thaw.host.WireWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** One lane's side of the protocol: decodes a request, does it, writes what follows the result. Used by the lane's thread alone. */
final class GoferSession implements AutoCloseable {
    static final int OPEN_FLAGS = O_ACCMODE | O_APPEND | O_TRUNC | O_DSYNC | O_SYNC;

    private final GoferServer server;
    private final GoferHandles handles;
    private final GoferMutations mutations;
    private final GoferDirectory directory;
    private final WireReader in;
    private final WireWriter out;
    private final HostStat stat = new HostStat();
    private final MemorySegment target = Arena.ofAuto().allocate(4096, 8);
    private int donated = -1;

    GoferSession(GoferServer server, GoferHandles handles, Wire wire) {
        this.server = server;
        this.handles = handles;
        this.mutations = new GoferMutations(handles, wire);
        this.directory = new GoferDirectory(handles);
        this.in = wire.in();
        this.out = wire.out();
    }

    /** Does the request; its result goes before what was written to the message. */
    int dispatch(int op) throws WireException {
        if (op != OP_READMORE) {
            directory.close();
        }
        return switch (op) {
            case OP_HELLO -> hello();
            case OP_LANE -> lane();
            case OP_WALK -> walk();
            case OP_STAT -> stat();
            case OP_HANDLE -> handle();
            case OP_CLOSE -> close(in.i32());
            case OP_READDIR -> readdir();
            case OP_READMORE -> readmore();
            case OP_READLINK -> readlink();
            case OP_OPEN -> open();
            case OP_STATFS -> statfs();
            case OP_CREATE -> donate(mutations.create());
            case OP_MKDIR, OP_MKNOD, OP_SYMLINK -> mutations.make(op);
            case OP_LINK, OP_RENAME -> mutations.two(op);
            case OP_UNLINK -> mutations.unlink();
            case OP_SETATTR -> mutations.setattr();
            case OP_FSYNC -> mutations.fsync();
            default -> -ENOSYS;
        };
    }

    /** The descriptor that goes with the response, or -1; now the caller's. */
    int takeFd() {
        int fd = donated;
        donated = -1;
        return fd;
    }

    /** Closes a descriptor that was to go with a response which failed after all. */
    void discardFd() {
        int fd = takeFd();
        if (fd >= 0) {
            HostFiles.close(fd);
        }
    }

    private int donate(int fd) {
        if (fd < 0) {
            return fd;
        }
        donated = fd;
        return 0;
    }

    private int hello() throws WireException {
        int version = in.i32();
        in.end();
        if (version != VERSION) {
            return -EPROTONOSUPPORT;
        }
        for (GoferRoot root : handles.roots()) {
            out.u8(root.readOnly() ? 1 : 0).string(root.name());
        }
        return handles.roots().size();
    }

    private int lane() throws WireException {
        in.end();
        return donate(server.openLane());
    }

    private int walk() throws WireException {
        int handle = in.i32();
        String path = in.string();
        int count = in.count(4);
        if (count > MAX_WALK) {
            return -EINVAL;
        }
        int found = 0;
        int failure = 0;
        StringBuilder at = new StringBuilder(path);
        for (int i = 0; i < count; i++) {
            String name = in.string();
            if (failure < 0 || (found > 0 && stat.type() != S_IFDIR)) {
                continue; // the rest is only checked for its form
            }
            if (name.isEmpty() || name.indexOf('/') >= 0) {
                failure = -EINVAL;
                continue;
            }
            at.append(at.isEmpty() ? "" : "/").append(name);
            int fd = handles.lookup(handle, at.toString(), stat);
            if (fd < 0) {
                failure = fd;
                continue;
            }
            HostFiles.close(fd);
            writeAttributes(out, stat);
            found++;
        }
        in.end();
        return found == 0 ? failure : found;
    }

    private int stat() throws WireException {
        int fd = lookup();
        if (fd >= 0) {
            HostFiles.close(fd);
            writeAttributes(out, stat);
            return 0;
        }
        return fd;
    }

    private int handle() throws WireException {
        int handle = in.i32();
        String path = in.string();
        in.end();
        int fd = handles.lookup(handle, path, stat);
        if (fd < 0) {
            return fd;
        }
        int added = handles.add(handle, fd);
        if (added < 0) {
            HostFiles.close(fd);
            return added;
        }
        writeAttributes(out, stat);
        return added;
    }

    private int close(int handle) throws WireException {
        in.end();
        return handles.close(handle);
    }

    private int readdir() throws WireException {
        int fd = lookup();
        if (fd < 0) {
            return fd;
        }
        try {
            if (stat.type() != S_IFDIR) {
                return -ENOTDIR;
            }
            if (handles.isBarred(stat.dev, fd)) {
                return 0;
            }
            int result = directory.open(fd);
            return result < 0 ? result : directory.fill(out);
        } finally {
            HostFiles.close(fd);
        }
    }

    private int readmore() throws WireException {
        in.end();
        return directory.fill(out);
    }

    private int readlink() throws WireException {
        int fd = lookup();
        if (fd < 0) {
            return fd;
        }
        try {
            if (stat.type() != S_IFLNK) {
                return -EINVAL;
            }
            long length = HostFiles.readlinkat(fd, "", target);
            if (length < 0) {
                return (int) length;
            }
            out.bytes(target.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
            return 0;
        } finally {
            HostFiles.close(fd);
        }
    }

    private int open() throws WireException {
        int handle = in.i32();
        String path = in.string();
        int flags = in.i32();
        in.end();
        GoferHandles.Handle base = handles.get(handle);
        boolean writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
        if ((flags & ~OPEN_FLAGS) != 0 || (flags & O_ACCMODE) == O_ACCMODE) {
            return -EINVAL;
        }
        int fd = handles.lookup(handle, path, stat);
        if (fd < 0) {
            return fd;
        }
        try {
            if (stat.type() != S_IFREG) {
                return -EINVAL;
            }
            if (writes && (base == null || base.readOnly())) {
                return -EROFS;
            }
            return donate(handles.reopen(fd, flags));
        } finally {
            HostFiles.close(fd);
        }
    }

    private int statfs() throws WireException {
        int fd = lookup();
        if (fd < 0) {
            return fd;
        }
        try {
            if (handles.isBarred(stat.dev, fd)) {
                return -EACCES;
            }
            long[] words = new long[10];
            int result = HostFiles.fstatfs(fd, words);
            for (int i = 0; result >= 0 && i < words.length; i++) {
                out.i64(words[i]);
            }
            return result;
        } finally {
            HostFiles.close(fd);
        }
    }

    private int lookup() throws WireException {
        int handle = in.i32();
        String path = in.string();
        in.end();
        return handles.lookup(handle, path, stat);
    }

    @Override
    public void close() {
        directory.close();
        discardFd();
    }
}
