package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.ELOOP;
import static dev.thaw.abi.Errno.ENAMETOOLONG;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Errno.EXDEV;
import static dev.thaw.abi.Fcntl.RESOLVE_BENEATH;
import static dev.thaw.abi.Fcntl.RESOLVE_IN_ROOT;
import static dev.thaw.abi.Fcntl.RESOLVE_NO_MAGICLINKS;
import static dev.thaw.abi.Fcntl.RESOLVE_NO_SYMLINKS;
import static dev.thaw.abi.Fcntl.RESOLVE_NO_XDEV;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import org.jspecify.annotations.Nullable;

/**
 * One resolution of a path (path_resolution(7); Linux: {@code struct nameidata}). Used by one thread; may be used again. After {@link #walkParent} the last component
 * is in {@link #last} and its directory in {@link #mount} and {@link #dentry}.
 */
public final class PathWalk {
    /** What the last component is. */
    enum Last {
        NAME,
        DOT,
        DOT_DOT,
        ROOT
    }

    private static final int MAX_LINKS = 40;
    private static final int NAME_MAX = 255;
    static final int PATH_MAX = 4096;

    private final @Nullable Task task;
    private final Credentials who;
    private final MountNamespace namespace;
    private Location root;
    private int resolveFlags;
    private int links;

    Mount mount;
    Dentry dentry;
    String last = "";
    Last lastKind = Last.ROOT;
    boolean trailingSlash;

    /** Walks as {@code who} in {@code context}; {@code task} is the guest thread that asks, if there is one. */
    public PathWalk(@Nullable Task task, Credentials who, FsContext context) {
        this.task = task;
        this.who = who;
        this.namespace = context.namespace();
        this.root = context.root();
        this.mount = root.mount();
        this.dentry = root.dentry();
    }

    /** Walks as {@code task}. */
    public PathWalk(Task task) {
        this(task, task.credentials(), task.fs());
    }

    /** openat2(2)'s flags; {@code start} is the directory that RESOLVE_IN_ROOT and RESOLVE_BENEATH hold to. */
    void restrict(int flags, Location start) {
        resolveFlags = flags;
        if ((flags & (RESOLVE_IN_ROOT | RESOLVE_BENEATH)) != 0) {
            root = start;
        }
    }

    /** The file that {@code path} names, from {@code start} on if it is relative. With {@code follow} a symbolic link at its end is followed. */
    public Location resolve(Location start, String path, boolean follow) throws ErrnoException {
        links = 0;
        walk(start, path, false, follow);
        return new Location(mount, dentry);
    }

    /** Walks to the directory of the last component of {@code path}. */
    void walkParent(Location start, String path) throws ErrnoException {
        links = 0;
        walk(start, path, true, false);
    }

    /** Goes on from the symbolic link {@code link} found at the end of a {@link #walkParent}; returns true if the walk has ended at a file by a reference. */
    boolean followLast(Dentry link) throws ErrnoException {
        String target = followLink(link, trailingSlash ? "/" : "");
        if (target == null) {
            return true;
        }
        walk(new Location(mount, dentry), target, true, false);
        return false;
    }

    private void walk(Location start, String path, boolean wantParent, boolean followLast)
            throws ErrnoException {
        int length = path.length();
        if (length == 0) {
            throw errno(ENOENT);
        }
        mount = start.mount();
        dentry = start.dentry();
        lastKind = Last.ROOT;
        trailingSlash = false;
        int at = 0;
        if (path.charAt(0) == '/') {
            toRoot();
        }
        while (true) {
            while (at < length && path.charAt(at) == '/') {
                at++;
            }
            if (at == length) {
                return;
            }
            int end = path.indexOf('/', at);
            boolean isLast;
            if (end < 0) {
                end = length;
                isLast = true;
            } else {
                int rest = end;
                while (rest < length && path.charAt(rest) == '/') {
                    rest++;
                }
                isLast = rest == length;
                trailingSlash = isLast;
            }
            if (end - at > NAME_MAX) {
                throw errno(ENAMETOOLONG);
            }
            Inode directory = dentry.requireInode();
            if (!directory.isDirectory()) {
                throw errno(ENOTDIR);
            }
            if (!Access.permits(who, directory, Access.EXEC)) {
                throw errno(dev.thaw.abi.Errno.EACCES);
            }
            if (path.charAt(at) == '.') {
                if (end - at == 1) {
                    lastKind = Last.DOT;
                    at = end;
                    continue;
                }
                if (end - at == 2 && path.charAt(at + 1) == '.') {
                    lastKind = Last.DOT_DOT;
                    if (isLast && wantParent) {
                        return;
                    }
                    up();
                    at = end;
                    continue;
                }
            }
            String name = path.substring(at, end);
            if (isLast && wantParent) {
                last = name;
                lastKind = Last.NAME;
                return;
            }
            Dentry child = dentry.lookup(name);
            if (child == null) {
                throw errno(ENOENT);
            }
            Mount inner = mount;
            while (child.isMountpoint()) {
                Mount over = namespace.mountedAt(inner, child);
                if (over == null) {
                    break;
                }
                checkCrossing();
                inner = over;
                child = over.root();
            }
            Inode inode = child.requireInode();
            if (inode.isSymlink() && (!isLast || followLast || trailingSlash)) {
                mount = inner;
                String target = followLink(child, path.substring(end));
                if (target != null) {
                    path = target;
                    length = path.length();
                    at = 0;
                    trailingSlash = false;
                    if (path.charAt(0) == '/') {
                        toRoot();
                    }
                    continue;
                }
                inode = dentry.requireInode();
            } else {
                mount = inner;
                dentry = child;
            }
            if ((!isLast || trailingSlash) && !inode.isDirectory()) {
                throw errno(ENOTDIR);
            }
            at = end;
        }
    }

    private void toRoot() throws ErrnoException {
        if ((resolveFlags & RESOLVE_BENEATH) != 0) {
            throw errno(EXDEV);
        }
        if (mount != root.mount()) {
            checkCrossing();
        }
        mount = root.mount();
        dentry = root.dentry();
    }

    private void checkCrossing() throws ErrnoException {
        if ((resolveFlags & RESOLVE_NO_XDEV) != 0) {
            throw errno(EXDEV);
        }
    }

    /** The rest of the path behind a symbolic link ({@code dentry} stays its directory), or null when the link is a reference that was followed. */
    private @Nullable String followLink(Dentry link, String rest) throws ErrnoException {
        if (++links > MAX_LINKS || (resolveFlags & RESOLVE_NO_SYMLINKS) != 0) {
            throw errno(ELOOP);
        }
        Inode inode = link.requireInode();
        Location jump = inode.followLink(task);
        if (jump != null) {
            if ((resolveFlags & (RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0) {
                throw errno((resolveFlags & RESOLVE_NO_MAGICLINKS) != 0 ? ELOOP : EXDEV);
            }
            mount = jump.mount();
            dentry = jump.dentry();
            return null;
        }
        String target = inode.readLink(task);
        if (target.isEmpty()) {
            throw errno(ENOENT);
        }
        if (target.length() + rest.length() >= 2 * PATH_MAX) {
            throw errno(ENAMETOOLONG);
        }
        return rest.isEmpty() ? target : target + rest;
    }

    private void up() throws ErrnoException {
        while (true) {
            if (mount == root.mount() && dentry == root.dentry()) {
                if ((resolveFlags & RESOLVE_BENEATH) != 0) {
                    throw errno(EXDEV);
                }
                return;
            }
            if (dentry != mount.root()) {
                break;
            }
            Mount parent = mount.parent();
            Dentry at = mount.mountpoint();
            if (parent == null || at == null) {
                return;
            }
            checkCrossing();
            mount = parent;
            dentry = at;
        }
        Dentry parent = dentry.parent();
        if (parent != null) {
            dentry = parent;
        }
        crossMounts();
    }

    private void crossMounts() {
        while (dentry.isMountpoint()) {
            Mount over = namespace.mountedAt(mount, dentry);
            if (over == null) {
                return;
            }
            mount = over;
            dentry = over.root();
        }
    }

    /** The child called {@link #last} of the directory that {@link #walkParent} found, mounts crossed, or null. */
    @Nullable Location child() throws ErrnoException {
        Dentry child = dentry.lookup(last);
        if (child == null) {
            return null;
        }
        Mount inner = mount;
        while (child.isMountpoint()) {
            Mount over = namespace.mountedAt(inner, child);
            if (over == null) {
                break;
            }
            inner = over;
            child = over.root();
        }
        return new Location(inner, child);
    }
}
