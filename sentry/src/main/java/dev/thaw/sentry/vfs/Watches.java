package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Inotify.IN_ATTRIB;
import static dev.thaw.abi.Inotify.IN_CREATE;
import static dev.thaw.abi.Inotify.IN_DELETE;
import static dev.thaw.abi.Inotify.IN_DELETE_SELF;
import static dev.thaw.abi.Inotify.IN_ISDIR;
import static dev.thaw.abi.Inotify.IN_MOVED_FROM;
import static dev.thaw.abi.Inotify.IN_MOVED_TO;
import static dev.thaw.abi.Inotify.IN_MOVE_SELF;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Tells those who watch files what happens to them (Linux: {@code fsnotify}). Without any watch in the sandbox a call costs one volatile read. Called with directory locks held or none; watchers take
 * only {@code FILE} and later locks.
 */
public final class Watches {
    /** Watches one inode. */
    public interface Watcher {
        /** {@code name} is empty for the inode itself, else the entry of the watched directory. */
        void happened(int mask, int cookie, String name);
    }

    private static final AtomicInteger ACTIVE = new AtomicInteger();
    private static final AtomicInteger COOKIES = new AtomicInteger();

    /** One more watch, or {@code -1} one fewer. */
    static void count(int delta) {
        ACTIVE.addAndGet(delta);
    }

    private static boolean none() {
        return ACTIVE.get() == 0;
    }

    /** Something happened to an open file: its own watchers hear of it, and those of the directory it was opened in. */
    public static void file(FileDescription file, int mask) {
        if (none()) {
            return;
        }
        Location at = file.location();
        if (at != null) {
            tell(at.dentry(), mask);
        }
    }

    /** Something happened to the file at {@code at}. */
    public static void at(Location at, int mask) {
        if (!none()) {
            tell(at.dentry(), mask);
        }
    }

    private static void tell(Dentry dentry, int mask) {
        Inode inode = dentry.inode();
        if (inode == null) {
            return;
        }
        int full = inode.isDirectory() ? mask | IN_ISDIR : mask;
        Dentry parent = dentry.parent();
        Inode directory = parent == null ? null : parent.inode();
        if (directory != null) {
            directory.tellWatchers(full, 0, dentry.name());
        }
        inode.tellWatchers(full, 0, "");
    }

    /** {@code directory} has a new entry, which is a new file or ({@code linked}) one with another name. */
    static void created(Inode directory, String name, Inode child, boolean linked) {
        if (!none()) {
            if (linked) {
                child.tellWatchers(IN_ATTRIB, 0, "");
            }
            directory.tellWatchers(IN_CREATE | flag(child), 0, name);
        }
    }

    /** The name {@code name} of {@code victim} is gone from {@code directory}. */
    static void removed(Inode directory, String name, Inode victim) {
        if (none()) {
            return;
        }
        gone(victim);
        directory.tellWatchers(IN_DELETE | flag(victim), 0, name);
    }

    /** {@code moved} has another name. */
    static void renamed(
            Inode oldDirectory,
            String oldName,
            Inode newDirectory,
            String newName,
            Inode moved,
            @Nullable Inode replaced) {
        if (none()) {
            return;
        }
        int cookie = COOKIES.incrementAndGet();
        oldDirectory.tellWatchers(IN_MOVED_FROM | flag(moved), cookie, oldName);
        newDirectory.tellWatchers(IN_MOVED_TO | flag(moved), cookie, newName);
        moved.tellWatchers(IN_MOVE_SELF, 0, "");
        if (replaced != null) {
            gone(replaced);
        }
    }

    private static void gone(Inode victim) {
        if (!victim.isDirectory()) {
            victim.tellWatchers(IN_ATTRIB, 0, ""); // its link count
        }
        if (victim.isDirectory() || victim.nlink() <= 0) {
            victim.tellWatchers(IN_DELETE_SELF, 0, "");
        }
    }

    private static int flag(Inode inode) {
        return inode.isDirectory() ? IN_ISDIR : 0;
    }

    private Watches() {}
}
