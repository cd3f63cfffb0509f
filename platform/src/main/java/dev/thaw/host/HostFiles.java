package dev.thaw.host;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINTR;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENAMETOOLONG;
import static dev.thaw.abi.Sysno.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.thaw.abi.Fcntl;
import java.lang.foreign.MemorySegment;

/**
 * The host's file calls. Paths are strings of raw bytes (ISO-8859-1), without a zero byte; buffers are native segments. Every function returns {@code -errno} on
 * failure.
 */
public final class HostFiles {
    /** STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID. */
    private static final int STATX_MASK = 0x7ff | 0x800 | 0x1000;

    /** {@code open(2)} of an absolute path, or one relative to the working directory. */
    public static int open(String path, int flags, int mode) {
        return openat(Fcntl.AT_FDCWD, path, flags, mode);
    }

    /** {@code openat(2)}. */
    public static int openat(int dirfd, String path, int flags, int mode) {
        return (int) withPath(SYS_openat, dirfd, path, flags, mode, 0);
    }

    /** {@code openat2(2)}: {@code struct open_how { u64 flags, mode, resolve }}. */
    public static int openat2(int dirfd, String path, long flags, int mode, long resolve) {
        long name = HostScratch.path(0, path);
        if (name == 0 || path.indexOf('\0') >= 0) {
            return name == 0 ? -ENAMETOOLONG : -EINVAL;
        }
        MemorySegment how = HostScratch.structs();
        how.set(JAVA_LONG, 0, flags);
        how.set(JAVA_LONG, 8, mode);
        how.set(JAVA_LONG, 16, resolve);
        while (true) {
            long fd = RawSyscall.call(SYS_openat2, dirfd, name, how.address(), 24, 0, 0);
            if (fd != -EINTR && fd != -EAGAIN) { // EAGAIN: a rename raced with the walk
                return (int) fd;
            }
        }
    }

    /** {@code close(2)}. Never repeated: Linux frees the number even when it says EINTR. */
    public static int close(int fd) {
        return (int) RawSyscall.call(SYS_close, fd, 0, 0, 0, 0, 0);
    }

    /** {@code statx(2)}: an empty path with AT_EMPTY_PATH means {@code dirfd} itself. */
    public static int statx(int dirfd, String path, int flags, HostStat out) {
        MemorySegment buffer = HostScratch.structs();
        long result =
                withPath(
                        SYS_statx,
                        dirfd,
                        path,
                        flags | Fcntl.AT_NO_AUTOMOUNT,
                        STATX_MASK,
                        buffer.address());
        if (result >= 0) {
            out.fill(buffer);
        }
        return (int) result;
    }

    /** What {@code fstat(2)} says. */
    public static int fstat(int fd, HostStat out) {
        return statx(fd, "", Fcntl.AT_EMPTY_PATH, out);
    }

    /** {@code statfs} of an open file into {@code out}: f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_namelen, f_frsize, f_flags. */
    public static int fstatfs(int fd, long[] out) {
        MemorySegment buffer = HostScratch.structs();
        int result = (int) RawSyscall.call(SYS_fstatfs, fd, buffer.address(), 0, 0, 0, 0);
        if (result >= 0) {
            for (int i = 0; i < 7; i++) {
                out[i] = buffer.get(JAVA_LONG, 8L * i);
            }
            for (int i = 7; i < 10; i++) { // f_fsid lies between
                out[i] = buffer.get(JAVA_LONG, 8L * (i + 1));
            }
        }
        return result;
    }

    /** {@code read(2)} into {@code segment[offset, offset + length)}. */
    public static long read(int fd, MemorySegment segment, long offset, long length) {
        return RawSyscall.call(SYS_read, fd, address(segment, offset, length), length, 0, 0, 0);
    }

    /** {@code write(2)} from {@code segment[offset, offset + length)}. */
    public static long write(int fd, MemorySegment segment, long offset, long length) {
        return RawSyscall.call(SYS_write, fd, address(segment, offset, length), length, 0, 0, 0);
    }

    /** {@code pread(2)}. */
    public static long pread(
            int fd, MemorySegment segment, long offset, long length, long position) {
        return RawSyscall.call(
                SYS_pread64, fd, address(segment, offset, length), length, position, 0, 0);
    }

    /** {@code pwrite(2)}. */
    public static long pwrite(
            int fd, MemorySegment segment, long offset, long length, long position) {
        return RawSyscall.call(
                SYS_pwrite64, fd, address(segment, offset, length), length, position, 0, 0);
    }

    /** {@code lseek(2)}. */
    public static long lseek(int fd, long offset, int whence) {
        return RawSyscall.call(SYS_lseek, fd, offset, whence, 0, 0, 0);
    }

    /** {@code getdents64(2)}: {@code u64 ino, s64 off, u16 reclen, u8 type, name, 0} each. */
    public static long getdents64(int fd, MemorySegment buffer) {
        return RawSyscall.call(SYS_getdents64, fd, buffer.address(), buffer.byteSize(), 0, 0, 0);
    }

    /** {@code readlinkat(2)} into {@code buffer}; an empty path means the symlink {@code dirfd} itself (opened with O_PATH). */
    public static long readlinkat(int dirfd, String path, MemorySegment buffer) {
        return withPath(SYS_readlinkat, dirfd, path, buffer.address(), buffer.byteSize(), 0);
    }

    /** {@code mkdirat(2)}. */
    public static int mkdirat(int dirfd, String path, int mode) {
        return (int) withPath(SYS_mkdirat, dirfd, path, mode, 0, 0);
    }

    /** {@code mknodat(2)}. */
    public static int mknodat(int dirfd, String path, int mode, long dev) {
        return (int) withPath(SYS_mknodat, dirfd, path, mode, dev, 0);
    }

    /** {@code unlinkat(2)}. */
    public static int unlinkat(int dirfd, String path, int flags) {
        return (int) withPath(SYS_unlinkat, dirfd, path, flags, 0, 0);
    }

    /** {@code symlinkat(2)}. */
    public static int symlinkat(String target, int dirfd, String path) {
        long first = HostScratch.path(0, target);
        long second = HostScratch.path(1, path);
        return first == 0 || second == 0
                ? -ENAMETOOLONG
                : (int) RawSyscall.call(SYS_symlinkat, first, dirfd, second, 0, 0, 0);
    }

    /** {@code linkat(2)}. */
    public static int linkat(
            int oldDirfd, String oldPath, int newDirfd, String newPath, int flags) {
        return (int) withPaths(SYS_linkat, oldDirfd, oldPath, newDirfd, newPath, flags);
    }

    /** {@code renameat2(2)}. */
    public static int renameat2(
            int oldDirfd, String oldPath, int newDirfd, String newPath, int flags) {
        return (int) withPaths(SYS_renameat2, oldDirfd, oldPath, newDirfd, newPath, flags);
    }

    /** {@code fchmodat(2)}: follows a symlink. */
    public static int fchmodat(int dirfd, String path, int mode) {
        return (int) withPath(SYS_fchmodat, dirfd, path, mode, 0, 0);
    }

    /** {@code fchownat(2)}. */
    public static int fchownat(int dirfd, String path, int uid, int gid, int flags) {
        return (int) withPath(SYS_fchownat, dirfd, path, uid, gid, flags);
    }

    /** {@code utimensat(2)}; a nanosecond field may be UTIME_NOW or UTIME_OMIT. An empty path with AT_EMPTY_PATH means {@code dirfd}. */
    public static int utimensat(
            int dirfd, String path, long asec, long ansec, long msec, long mnsec, int flags) {
        MemorySegment times = HostScratch.structs();
        times.set(JAVA_LONG, 0, asec);
        times.set(JAVA_LONG, 8, ansec);
        times.set(JAVA_LONG, 16, msec);
        times.set(JAVA_LONG, 24, mnsec);
        return (int) withPath(SYS_utimensat, dirfd, path, times.address(), flags, 0);
    }

    /** {@code ftruncate(2)}. */
    public static int ftruncate(int fd, long length) {
        return (int) RawSyscall.call(SYS_ftruncate, fd, length, 0, 0, 0, 0);
    }

    /** {@code fallocate(2)}. */
    public static int fallocate(int fd, int mode, long offset, long length) {
        return (int) RawSyscall.call(SYS_fallocate, fd, mode, offset, length, 0, 0);
    }

    /** {@code fsync(2)}. */
    public static int fsync(int fd) {
        return (int) RawSyscall.call(SYS_fsync, fd, 0, 0, 0, 0, 0);
    }

    /** {@code fdatasync(2)}. */
    public static int fdatasync(int fd) {
        return (int) RawSyscall.call(SYS_fdatasync, fd, 0, 0, 0, 0, 0);
    }

    /** {@code fcntl(2)}. */
    public static long fcntl(int fd, int command, long argument) {
        return RawSyscall.call(SYS_fcntl, fd, command, argument, 0, 0, 0);
    }

    /** {@code ioctl(2)} with a segment as its argument. */
    public static int ioctl(int fd, long request, MemorySegment argument) {
        return (int) RawSyscall.call(SYS_ioctl, fd, request, argument.address(), 0, 0, 0);
    }

    /** {@code pipe2(2)}: {@code out[0]} is the end to read. */
    public static int pipe2(int[] out, int flags) {
        MemorySegment fds = HostScratch.structs();
        int result = (int) RawSyscall.call(SYS_pipe2, fds.address(), flags, 0, 0, 0, 0);
        if (result >= 0) {
            out[0] = fds.get(JAVA_INT, 0);
            out[1] = fds.get(JAVA_INT, 4);
        }
        return result;
    }

    private static long address(MemorySegment segment, long offset, long length) {
        return segment.asSlice(offset, length).address();
    }

    private static long withPath(int nr, int dirfd, String path, long c, long d, long e) {
        long name = HostScratch.path(0, path);
        return name == 0 ? -ENAMETOOLONG : RawSyscall.call(nr, dirfd, name, c, d, e, 0);
    }

    private static long withPaths(
            int nr, int oldDirfd, String oldPath, int newDirfd, String newPath, int flags) {
        long first = HostScratch.path(0, oldPath);
        long second = HostScratch.path(1, newPath);
        return first == 0 || second == 0
                ? -ENAMETOOLONG
                : RawSyscall.call(nr, oldDirfd, first, newDirfd, second, flags, 0);
    }

    private HostFiles() {}
}
