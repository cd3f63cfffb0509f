package dev.thaw.sentry.fs.gofer;

import dev.thaw.abi.Errno;
import dev.thaw.gofer.GoferRoot;
import dev.thaw.host.HostStat;
import java.util.ArrayList;
import java.util.List;

/**
 * What a restore finds out of the files of the host that the image relies on: those that are open, mapped or run. Pages that the guest had mapped are in the image, the rest of a file is read
 * from the host; so a program must not go on with a mixture that nobody knows of.
 */
public final class ChangedFiles {
    private static final int LIMIT = 16;

    private final List<String> found = new ArrayList<>();

    /** One line for each file that is not as it was when the image was made. */
    public List<String> found() {
        return found;
    }

    /** What identifies a file's content: device, inode, size, time of the last change. */
    static long[] identity(HostStat stat) {
        return new long[] {stat.dev, stat.ino, stat.size, stat.mtime};
    }

    /** Compares {@code file} with what it was; another inode counts only on the same device, as a copy of a root on another machine is as good. */
    void check(GoferFile file, long[] then) {
        GoferFilesystem fs = file.goferFs();
        HostStat now = new HostStat();
        int result = fs.client().stat(fs.handle(), file.at().path(), now);
        String how = null;
        if (result == -Errno.ENOENT) {
            how = "is gone";
        } else if (result < 0) {
            how = "can not be looked at: " + Errno.name(-result);
        } else if (now.size != then[2]) {
            how = "has " + now.size + " bytes, had " + then[2];
        } else if (now.mtime != then[3]) {
            how = "was written since";
        } else if (now.dev == then[0] && now.ino != then[1]) {
            how = "is another file";
        }
        if (how == null) {
            return;
        }
        if (result == 0) {
            file.refresh(now);
        }
        if (found.size() < LIMIT) {
            found.add(name(fs, file) + " " + how);
        }
    }

    private static String name(GoferFilesystem fs, GoferFile file) {
        for (GoferRoot root : fs.client().roots()) {
            if (root.handle() == fs.handle()) {
                String top = root.name().equals("/") ? "" : root.name();
                return file.at().path().isEmpty() ? root.name() : top + "/" + file.at().path();
            }
        }
        return file.at().path();
    }
}
