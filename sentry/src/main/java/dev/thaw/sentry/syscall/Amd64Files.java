package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.ENOSYS;
import static dev.thaw.abi.Errno.EPERM;

/** The x86-64 calls on files, descriptors, file systems, in number order. */
final class Amd64Files {
    private static final String NO_XATTR = "no file system here has extended attributes";
    private static final String NO_PROPAGATION =
            "tmpfs, bind mounts and remounts only; one namespace";

    static final SyscallTable TABLE =
            new SyscallTable()
                    .full(0, "read", ReadWriteSyscalls::read)
                    .full(1, "write", ReadWriteSyscalls::write)
                    .full(2, "open", OpenSyscalls::open)
                    .full(3, "close", OpenSyscalls::close)
                    .full(4, "stat", StatSyscalls::stat)
                    .full(5, "fstat", StatSyscalls::fstat)
                    .full(6, "lstat", StatSyscalls::lstat)
                    .full(8, "lseek", ReadWriteSyscalls::lseek)
                    .full(16, "ioctl", FcntlSyscalls::ioctl)
                    .full(17, "pread64", ReadWriteSyscalls::pread64)
                    .full(18, "pwrite64", ReadWriteSyscalls::pwrite64)
                    .full(19, "readv", ReadWriteSyscalls::readv)
                    .full(20, "writev", ReadWriteSyscalls::writev)
                    .full(21, "access", StatSyscalls::access)
                    .full(32, "dup", OpenSyscalls::dup)
                    .full(33, "dup2", OpenSyscalls::dup2)
                    .full(40, "sendfile", SyncSyscalls::sendfile)
                    .partial(
                            72,
                            "fcntl",
                            FcntlSyscalls::fcntl,
                            "no leases, notification or signals")
                    .full(73, "flock", FcntlSyscalls::flock)
                    .full(74, "fsync", SyncSyscalls::fsync)
                    .full(75, "fdatasync", SyncSyscalls::fdatasync)
                    .full(76, "truncate", AttributeSyscalls::truncate)
                    .full(77, "ftruncate", AttributeSyscalls::ftruncate)
                    .full(78, "getdents", DirectorySyscalls::getdents)
                    .full(79, "getcwd", DirectorySyscalls::getcwd)
                    .full(80, "chdir", DirectorySyscalls::chdir)
                    .full(81, "fchdir", DirectorySyscalls::fchdir)
                    .full(82, "rename", DirectorySyscalls::rename)
                    .full(83, "mkdir", DirectorySyscalls::mkdir)
                    .full(84, "rmdir", DirectorySyscalls::rmdir)
                    .full(85, "creat", OpenSyscalls::creat)
                    .full(86, "link", DirectorySyscalls::link)
                    .full(87, "unlink", DirectorySyscalls::unlink)
                    .full(88, "symlink", DirectorySyscalls::symlink)
                    .full(89, "readlink", StatSyscalls::readlink)
                    .full(90, "chmod", AttributeSyscalls::chmod)
                    .full(91, "fchmod", AttributeSyscalls::fchmod)
                    .full(92, "chown", AttributeSyscalls::chown)
                    .full(93, "fchown", AttributeSyscalls::fchown)
                    .full(94, "lchown", AttributeSyscalls::lchown)
                    .full(95, "umask", AttributeSyscalls::umask)
                    .full(132, "utime", AttributeSyscalls::utime)
                    .full(133, "mknod", DirectorySyscalls::mknod)
                    .full(137, "statfs", StatSyscalls::statfs)
                    .full(138, "fstatfs", StatSyscalls::fstatfs)
                    .none(155, "pivot_root", EPERM, "the root of a sandbox stays")
                    .full(161, "chroot", DirectorySyscalls::chroot)
                    .full(162, "sync", SyncSyscalls::sync)
                    .partial(165, "mount", MountSyscalls::mount, NO_PROPAGATION)
                    .partial(166, "umount2", MountSyscalls::umount2, "always lazy")
                    .full(187, "readahead", SyncSyscalls::readahead)
                    .partial(188, "setxattr", MountSyscalls::setxattr, NO_XATTR)
                    .partial(189, "lsetxattr", MountSyscalls::setxattr, NO_XATTR)
                    .partial(190, "fsetxattr", MountSyscalls::setxattr, NO_XATTR)
                    .partial(191, "getxattr", MountSyscalls::getxattr, NO_XATTR)
                    .partial(192, "lgetxattr", MountSyscalls::lgetxattr, NO_XATTR)
                    .partial(193, "fgetxattr", MountSyscalls::fgetxattr, NO_XATTR)
                    .partial(194, "listxattr", MountSyscalls::listxattr, NO_XATTR)
                    .partial(195, "llistxattr", MountSyscalls::llistxattr, NO_XATTR)
                    .partial(196, "flistxattr", MountSyscalls::flistxattr, NO_XATTR)
                    .partial(197, "removexattr", MountSyscalls::setxattr, NO_XATTR)
                    .partial(198, "lremovexattr", MountSyscalls::setxattr, NO_XATTR)
                    .partial(199, "fremovexattr", MountSyscalls::setxattr, NO_XATTR)
                    .full(217, "getdents64", DirectorySyscalls::getdents64)
                    .partial(
                            221,
                            "fadvise64",
                            SyncSyscalls::fadvise64,
                            "advice is checked and ignored")
                    .full(235, "utimes", AttributeSyscalls::utimes)
                    .full(257, "openat", OpenSyscalls::openat)
                    .full(258, "mkdirat", DirectorySyscalls::mkdirat)
                    .full(259, "mknodat", DirectorySyscalls::mknodat)
                    .full(260, "fchownat", AttributeSyscalls::fchownat)
                    .full(261, "futimesat", AttributeSyscalls::futimesat)
                    .full(262, "newfstatat", StatSyscalls::newfstatat)
                    .full(263, "unlinkat", DirectorySyscalls::unlinkat)
                    .full(264, "renameat", DirectorySyscalls::renameat)
                    .full(265, "linkat", DirectorySyscalls::linkat)
                    .full(266, "symlinkat", DirectorySyscalls::symlinkat)
                    .full(267, "readlinkat", StatSyscalls::readlinkat)
                    .full(268, "fchmodat", AttributeSyscalls::fchmodat)
                    .full(269, "faccessat", StatSyscalls::faccessat)
                    .full(277, "sync_file_range", SyncSyscalls::syncFileRange)
                    .full(280, "utimensat", AttributeSyscalls::utimensat)
                    .full(285, "fallocate", AttributeSyscalls::fallocate)
                    .full(292, "dup3", OpenSyscalls::dup3)
                    .full(295, "preadv", ReadWriteSyscalls::preadv)
                    .full(296, "pwritev", ReadWriteSyscalls::pwritev)
                    .full(306, "syncfs", SyncSyscalls::syncfs)
                    .partial(316, "renameat2", DirectorySyscalls::renameat2, "no RENAME_WHITEOUT")
                    .partial(
                            319,
                            "memfd_create",
                            OpenSyscalls::memfdCreate,
                            "no huge pages")
                    .full(326, "copy_file_range", SyncSyscalls::copyFileRange)
                    .full(327, "preadv2", ReadWriteSyscalls::preadv2)
                    .full(328, "pwritev2", ReadWriteSyscalls::pwritev2)
                    .full(332, "statx", StatSyscalls::statx)
                    .none(425, "io_uring_setup", ENOSYS, "not there yet")
                    .full(436, "close_range", OpenSyscalls::closeRange)
                    .full(437, "openat2", OpenSyscalls::openat2)
                    .full(439, "faccessat2", StatSyscalls::faccessat2)
                    .full(452, "fchmodat2", AttributeSyscalls::fchmodat2);

    private Amd64Files() {}
}
