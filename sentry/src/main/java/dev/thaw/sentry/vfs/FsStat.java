package dev.thaw.sentry.vfs;

/** What statfs(2) tells of a file system. */
public record FsStat(
        long type,
        long blockSize,
        long blocks,
        long free,
        long available,
        long files,
        long filesFree,
        long nameLength,
        long flags) {}
