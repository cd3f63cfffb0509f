package dev.thaw.sentry.vfs;

import org.jspecify.annotations.Nullable;

/** What a new file shall be: {@code mode} with its type, owner, device number, and a symbolic link's target. */
public record NewNode(int mode, int uid, int gid, long rdev, @Nullable String target) {}
