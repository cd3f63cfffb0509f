package dev.thaw.sentry.vfs;

/** What stat(2) tells of a file. Times are nanoseconds since the epoch. */
public record FileStat(
        long dev,
        long ino,
        int mode,
        int nlink,
        int uid,
        int gid,
        long rdev,
        long size,
        int blksize,
        long blocks,
        long atime,
        long mtime,
        long ctime,
        long btime) {}
