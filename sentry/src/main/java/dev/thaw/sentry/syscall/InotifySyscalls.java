package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Fcntl.AT_FDCWD;
import static dev.thaw.abi.Inotify.IN_ALL_EVENTS;
import static dev.thaw.abi.Inotify.IN_CLOEXEC;
import static dev.thaw.abi.Inotify.IN_DONT_FOLLOW;
import static dev.thaw.abi.Inotify.IN_EXCL_UNLINK;
import static dev.thaw.abi.Inotify.IN_MASK_ADD;
import static dev.thaw.abi.Inotify.IN_MASK_CREATE;
import static dev.thaw.abi.Inotify.IN_NONBLOCK;
import static dev.thaw.abi.Inotify.IN_ONESHOT;
import static dev.thaw.abi.Inotify.IN_ONLYDIR;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.event.InotifyFile;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Access;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;

/** inotify(7) (Linux: {@code fs/notify/inotify}). */
final class InotifySyscalls {
    private static final int VALID =
            IN_ALL_EVENTS
                    | IN_ONLYDIR
                    | IN_DONT_FOLLOW
                    | IN_EXCL_UNLINK
                    | IN_MASK_ADD
                    | IN_MASK_CREATE
                    | IN_ONESHOT
                    | 0xe000;

    /** inotify_init(2). */
    static long inotifyInit(Task task, SyscallArgs args) throws ErrnoException {
        return NewFiles.install(task, new InotifyFile(0), false);
    }

    /** inotify_init1(2). */
    static long inotifyInit1(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(0);
        if ((flags & ~(IN_NONBLOCK | IN_CLOEXEC)) != 0) {
            return -EINVAL;
        }
        return NewFiles.install(
                task, new InotifyFile(flags & IN_NONBLOCK), (flags & IN_CLOEXEC) != 0);
    }

    /** inotify_add_watch(2). */
    static long inotifyAddWatch(Task task, SyscallArgs args) throws ErrnoException {
        int mask = args.int32(2);
        if ((mask & VALID) == 0 || ((mask & IN_MASK_ADD) != 0 && (mask & IN_MASK_CREATE) != 0)) {
            return -EINVAL;
        }
        try (FileDescription file = task.fds().get(args.int32(0))) {
            if (!(file instanceof InotifyFile inotify)) {
                return -EINVAL;
            }
            String path = Paths.path(task, args.addr(1));
            Inode inode =
                    Paths.resolve(task, AT_FDCWD, path, (mask & IN_DONT_FOLLOW) == 0, false)
                            .inode();
            if ((mask & IN_ONLYDIR) != 0 && !inode.isDirectory()) {
                return -ENOTDIR;
            }
            Access.check(task.credentials(), inode, Access.READ);
            return inotify.watch(inode, mask);
        }
    }

    /** inotify_rm_watch(2). */
    static long inotifyRmWatch(Task task, SyscallArgs args) throws ErrnoException {
        try (FileDescription file = task.fds().get(args.int32(0))) {
            if (!(file instanceof InotifyFile inotify)) {
                return -EINVAL;
            }
            inotify.unwatch(args.int32(1));
            return 0;
        }
    }

    private InotifySyscalls() {}
}
