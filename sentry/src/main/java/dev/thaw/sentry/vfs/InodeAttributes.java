package dev.thaw.sentry.vfs;

import dev.thaw.state.StateType;

/** The part of an inode's state that all kinds share; {@code locks} and {@code attachment} are object ids. */
@StateType(id = 0x0301)
public record InodeAttributes(
        long ino,
        int mode,
        int nlink,
        int uid,
        int gid,
        long rdev,
        long atime,
        long mtime,
        long ctime,
        long btime,
        int locks,
        int attachment) {}
