package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENODATA;
import static dev.thaw.abi.Errno.ENODEV;
import static dev.thaw.abi.Errno.EOPNOTSUPP;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Fcntl.AT_FDCWD;
import static dev.thaw.abi.Mount.*;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Access;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.Mount;
import dev.thaw.sentry.vfs.MountNamespace;

/** mount(2), umount2(2) ({@code fs/namespace.c}) and extended attributes, of which there are none. */
final class MountSyscalls {
    private static final int KEPT =
            MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME;
    private static final int PROPAGATION = MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE;

    /** mount(2): tmpfs, bind mounts, remounts; propagation is accepted, as there is one namespace. */
    static long mount(Task task, SyscallArgs args) throws ErrnoException {
        if (!task.credentials().has(Access.CAP_SYS_ADMIN)) {
            throw errno(EPERM);
        }
        int flags = args.int32(3);
        MountNamespace namespace = task.fs().namespace();
        Location at = Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(1)), true, false);
        Mount mount = at.mount();
        if ((flags & MS_REMOUNT) != 0) {
            if (at.dentry() != mount.root()) {
                throw errno(EINVAL);
            }
            namespace.remount(mount, flags & KEPT);
            return 0;
        }
        if ((flags & PROPAGATION) != 0) {
            return 0;
        }
        String source = args.addr(0) == 0 ? "none" : Paths.path(task, args.addr(0));
        if ((flags & MS_BIND) != 0) {
            Location from = Paths.resolve(task, AT_FDCWD, source, true, false);
            namespace.mountAt(at, from.mount().fs(), from.dentry(), from.mount().flags(), source);
            return 0;
        }
        String type = Paths.path(task, args.addr(2));
        if (!type.equals("tmpfs") && !type.equals("ramfs")) {
            throw errno(ENODEV);
        }
        String options = args.addr(4) == 0 ? "" : task.mm().copyInString(args.addr(4), 4095);
        TmpfsFilesystem fs = TmpfsOptions.parse(options).make(task.kernel().memory());
        namespace.mountAt(at, fs, fs.root(), flags & KEPT, source);
        return 0;
    }

    /** umount2(2); always lazy, as with MNT_DETACH. */
    static long umount2(Task task, SyscallArgs args) throws ErrnoException {
        Paths.checkFlags(args.int32(1), MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW);
        if (!task.credentials().has(Access.CAP_SYS_ADMIN)) {
            throw errno(EPERM);
        }
        boolean follow = (args.int32(1) & UMOUNT_NOFOLLOW) == 0;
        Location at = Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(0)), follow, false);
        task.fs().namespace().unmount(at);
        return 0;
    }

    /** getxattr(2), lgetxattr(2), by path: the file must exist. */
    static long getxattr(Task task, SyscallArgs args) throws ErrnoException {
        Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(0)), true, false);
        return -ENODATA;
    }

    /** lgetxattr(2). */
    static long lgetxattr(Task task, SyscallArgs args) throws ErrnoException {
        Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(0)), false, false);
        return -ENODATA;
    }

    /** fgetxattr(2). */
    static long fgetxattr(Task task, SyscallArgs args) throws ErrnoException {
        task.fds().get(args.int32(0)).close();
        return -ENODATA;
    }

    /** listxattr(2): none. */
    static long listxattr(Task task, SyscallArgs args) throws ErrnoException {
        Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(0)), true, false);
        return 0;
    }

    /** llistxattr(2): none. */
    static long llistxattr(Task task, SyscallArgs args) throws ErrnoException {
        Paths.resolve(task, AT_FDCWD, Paths.path(task, args.addr(0)), false, false);
        return 0;
    }

    /** flistxattr(2): none. */
    static long flistxattr(Task task, SyscallArgs args) throws ErrnoException {
        task.fds().get(args.int32(0)).close();
        return 0;
    }

    /** setxattr(2), removexattr(2) and their kin. */
    static long setxattr(Task task, SyscallArgs args) throws ErrnoException {
        throw errno(EOPNOTSUPP);
    }

    private MountSyscalls() {}
}
