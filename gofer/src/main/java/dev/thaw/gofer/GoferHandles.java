package dev.thaw.gofer;

import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENAMETOOLONG;
import static dev.thaw.abi.Errno.ENFILE;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Fcntl.*;
import static dev.thaw.gofer.GoferProtocol.MAX_HANDLES;
import static dev.thaw.gofer.GoferProtocol.MAX_PATH;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The handle table, and the one place where a path becomes a descriptor. A path is looked up by openat2(2) below its handle's directory with every kind of escape
 * refused: RESOLVE_BENEATH (no "..", no absolute path), RESOLVE_NO_SYMLINKS, RESOLVE_NO_MAGICLINKS. The kernel checks it in the walk itself, so a rename or a
 * symlink that is put in place meanwhile wins nothing. Descriptors made are O_PATH: no file is opened by being looked up.
 */
final class GoferHandles {
    private static final long LOOKUP = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    private static final long CONFINED =
            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

    /** File systems that show the host's kernel rather than files: their content is not served wherever they are mounted below a root. */
    private static final Set<Long> BARRED =
            Set.of(
                    0x9fa0L, // proc
                    0x62656572L, // sysfs
                    0x27e0ebL, // cgroup
                    0x63677270L, // cgroup2
                    0x64626720L, // debugfs
                    0x74726163L, // tracefs
                    0x73636673L, // securityfs
                    0xf97cff8cL, // selinuxfs
                    0xcafe4a11L, // bpf
                    0x1cd1L, // devpts
                    0x19800202L, // mqueue
                    0x62656570L, // configfs
                    0x6165676cL, // pstore
                    0xde5e81e4L); // efivarfs

    /** An open handle. The descriptor is closed when the handle is given back, under {@link #mu}, so a use of it holds a duplicate or is done by then. */
    record Handle(int fd, int root, boolean readOnly) {}

    private final int procFd;
    private final List<GoferRoot> roots;
    private final ReentrantLock mu = new ReentrantLock();

    @GuardedBy("mu")
    private final Map<Integer, Handle> table = new HashMap<>();

    @GuardedBy("mu")
    private final Map<Long, Boolean> barredDevices = new HashMap<>();

    @GuardedBy("mu")
    private int next;

    GoferHandles(List<GoferRoot> roots, List<Integer> rootFds, int procFd) {
        this.roots = List.copyOf(roots);
        this.procFd = procFd;
        for (int i = 0; i < roots.size(); i++) {
            table.put(i, new Handle(rootFds.get(i), i, roots.get(i).readOnly()));
        }
        this.next = roots.size();
    }

    List<GoferRoot> roots() {
        return roots;
    }

    /** The directory {@code /proc/self/fd}, through which an O_PATH descriptor is opened for use. */
    int procFd() {
        return procFd;
    }

    /** Opens the file of an O_PATH descriptor for use. Only for regular files and directories: opening anything else may do something. */
    int reopen(int fd, int flags) {
        return HostFiles.openat(procFd, Integer.toString(fd), flags | O_CLOEXEC | O_NOCTTY, 0);
    }

    @Nullable Handle get(int handle) {
        mu.lock();
        try {
            return table.get(handle);
        } finally {
            mu.unlock();
        }
    }

    /** Looks {@code path} up: returns a new O_PATH descriptor, the caller's to close, and fills {@code stat}; or {@code -errno}. */
    int lookup(int handle, String path, HostStat stat) {
        int bad = check(path);
        if (bad < 0) {
            return bad;
        }
        int fd;
        // Under the lock only so that the handle is not closed meanwhile; lookups of roots, which
        // are never closed, do without it.
        if (handle >= 0 && handle < roots.size()) {
            fd = find(get(handle), path);
        } else {
            mu.lock();
            try {
                fd = find(table.get(handle), path);
            } finally {
                mu.unlock();
            }
        }
        if (fd < 0) {
            return fd;
        }
        int result = HostFiles.fstat(fd, stat);
        if (result >= 0
                && isBarred(stat.dev, fd)
                && !(stat.type() == S_IFDIR && stat.isMountRoot())) {
            result = -ENOENT;
        }
        if (result < 0) {
            HostFiles.close(fd);
            return result;
        }
        return fd;
    }

    private static int find(@Nullable Handle base, String path) {
        if (base == null) {
            return -EBADF;
        }
        return path.isEmpty()
                ? (int) HostFiles.fcntl(base.fd, F_DUPFD_CLOEXEC, 3)
                : HostFiles.openat2(base.fd, path, LOOKUP, 0, CONFINED);
    }

    /** Whether files of {@code dev}, on which {@code fd} lies, are not served. */
    boolean isBarred(long dev, int fd) {
        mu.lock();
        try {
            Boolean known = barredDevices.get(dev);
            if (known == null) {
                long[] words = new long[10];
                known = HostFiles.fstatfs(fd, words) < 0 || BARRED.contains(words[0]);
                if (barredDevices.size() < 4096) {
                    barredDevices.put(dev, known);
                }
            }
            return known;
        } finally {
            mu.unlock();
        }
    }

    /** Keeps {@code fd} as a handle of the root that {@code base} belongs to. Takes the descriptor over only when it succeeds. */
    int add(int base, int fd) {
        mu.lock();
        try {
            Handle parent = table.get(base);
            if (parent == null) {
                return -EBADF;
            }
            if (table.size() >= roots.size() + MAX_HANDLES) {
                return -ENFILE;
            }
            while (table.containsKey(next)) {
                next = next == Integer.MAX_VALUE ? roots.size() : next + 1;
            }
            int handle = next;
            next = next == Integer.MAX_VALUE ? roots.size() : next + 1;
            table.put(handle, new Handle(fd, parent.root, parent.readOnly));
            return handle;
        } finally {
            mu.unlock();
        }
    }

    /** Drops a handle; a root's can not be dropped. */
    int close(int handle) {
        mu.lock();
        try {
            Handle found = handle < roots.size() ? null : table.remove(handle);
            return found == null ? -EBADF : HostFiles.close(found.fd);
        } finally {
            mu.unlock();
        }
    }

    /** 0 when {@code path} is empty or names joined by "/", none of them empty, "." or "..". */
    static int check(String path) {
        int length = path.length();
        if (length > MAX_PATH) {
            return -ENAMETOOLONG;
        }
        int start = 0;
        for (int i = 0; length > 0 && i <= length; i++) {
            if (i == length || path.charAt(i) == '/') {
                int size = i - start;
                boolean dots =
                        size > 0
                                && size <= 2
                                && path.charAt(start) == '.'
                                && path.charAt(i - 1) == '.';
                if (size == 0 || dots) {
                    return -EINVAL;
                }
                start = i + 1;
            } else if (path.charAt(i) == 0) {
                return -EINVAL;
            }
        }
        return 0;
    }
}
