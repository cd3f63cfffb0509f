package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Mount.MS_NOATIME;
import static dev.thaw.abi.Mount.MS_NODEV;
import static dev.thaw.abi.Mount.MS_NOEXEC;
import static dev.thaw.abi.Mount.MS_NOSUID;
import static dev.thaw.abi.Mount.MS_RDONLY;

import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Dentry;
import dev.thaw.sentry.vfs.FsContext;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.Mount;
import dev.thaw.sentry.vfs.MountNamespace;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** {@code mounts} and {@code mountinfo}: the mounts of a process's namespace that it can see from its root. */
final class MountFiles {
    private static final String SPECIAL = " \t\n\\#";

    static byte[] mounts(Subject subject, @Nullable Task reader) {
        Text text = new Text();
        FsContext context = subject.task().fsOrNull();
        if (context != null) {
            for (Mount mount : context.namespace().mounts()) {
                String place = place(mount, context.root());
                if (place != null) {
                    text.add(source(mount))
                            .add(' ')
                            .add(Text.escape(place, SPECIAL))
                            .add(' ')
                            .add(mount.fs().name())
                            .add(' ');
                    text.add(mountOptions(mount)).add(ownOptions(mount)).add(" 0 0\n");
                }
            }
        }
        return text.bytes();
    }

    static byte[] mountinfo(Subject subject, @Nullable Task reader) {
        Text text = new Text();
        FsContext context = subject.task().fsOrNull();
        if (context != null) {
            for (Mount mount : context.namespace().mounts()) {
                String place = place(mount, context.root());
                if (place == null) {
                    continue;
                }
                Mount parent = mount.parent();
                long device = mount.fs().device();
                text.add(mount.id()).add(' ').add(parent == null ? 1 : parent.id()).add(' ');
                text.add(device >>> 8 & 0xfff).add(':').add(device & 0xff).add(' ');
                text.add(Text.escape(within(mount), SPECIAL))
                        .add(' ')
                        .add(Text.escape(place, SPECIAL))
                        .add(' ')
                        .add(mountOptions(mount));
                text.add(" - ").add(mount.fs().name()).add(' ').add(source(mount)).add(' ');
                text.add(mount.fs().isReadOnly() ? "ro" : "rw").add(ownOptions(mount)).line();
            }
        }
        return text.bytes();
    }

    private static String source(Mount mount) {
        return mount.source().isEmpty() ? "none" : Text.escape(mount.source(), SPECIAL);
    }

    /** Where the mount is as seen from {@code root}, or null when it can not be seen. */
    private static @Nullable String place(Mount mount, Location root) {
        Mount parent = mount.parent();
        Dentry at = mount.mountpoint();
        if (mount == root.mount()) {
            return "/";
        }
        if (parent == null || at == null) {
            return null;
        }
        String path = MountNamespace.pathOf(new Location(parent, at), root);
        return path.startsWith("(unreachable)") ? null : path;
    }

    /** The mounted part of the file system: {@code /} unless it is a bind mount. */
    private static String within(Mount mount) {
        ArrayDeque<String> names = new ArrayDeque<>();
        for (Dentry d = mount.root(); d.parent() != null; d = d.parent()) {
            names.push(d.name());
        }
        return "/" + String.join("/", names);
    }

    private static String mountOptions(Mount mount) {
        int flags = mount.flags();
        StringBuilder options =
                new StringBuilder((flags & MS_RDONLY) != 0 || mount.isReadOnly() ? "ro" : "rw");
        if ((flags & MS_NOSUID) != 0) {
            options.append(",nosuid");
        }
        if ((flags & MS_NODEV) != 0) {
            options.append(",nodev");
        }
        if ((flags & MS_NOEXEC) != 0) {
            options.append(",noexec");
        }
        return options.append((flags & MS_NOATIME) != 0 ? ",noatime" : ",relatime").toString();
    }

    private static String ownOptions(Mount mount) {
        String own = mount.fs().options();
        return own.isEmpty() ? "" : "," + own;
    }

    private MountFiles() {}
}
