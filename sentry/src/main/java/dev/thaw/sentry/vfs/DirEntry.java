package dev.thaw.sentry.vfs;

/** One name in a directory; {@code type} is of S_IFMT. */
public record DirEntry(String name, long ino, int type) {}
