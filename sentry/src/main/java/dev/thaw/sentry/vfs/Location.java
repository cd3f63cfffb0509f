package dev.thaw.sentry.vfs;

/** A place in the tree of mounts (Linux: {@code struct path}). */
public record Location(Mount mount, Dentry dentry) {
    /** The file at this place; the caller knows that there is one. */
    public Inode inode() {
        return dentry.requireInode();
    }
}
