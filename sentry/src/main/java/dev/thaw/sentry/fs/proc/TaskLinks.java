package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.FsContext;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.MountNamespace;
import dev.thaw.sentry.vfs.SyntheticDirectory;
import dev.thaw.sentry.vfs.SyntheticSymlink;
import org.jspecify.annotations.Nullable;

/** The links of a process that lead to a place, not to a path: {@code exe}, {@code cwd}, {@code root}. */
final class TaskLinks {
    /** Says where a link leads. */
    @FunctionalInterface
    interface Place {
        Location get(Task task) throws ErrnoException;
    }

    static Inode exe(ProcFilesystem fs, Subject subject, int uid, int gid) {
        return new Link(fs, subject, TaskLinks::executable);
    }

    private static Location executable(Task task) throws ErrnoException {
        MemoryManager mm = task.mmOrNull();
        FileDescription file = mm == null ? null : mm.execLayout().executable();
        Location at = file == null ? null : file.location();
        if (at == null) {
            throw errno(ENOENT);
        }
        return at;
    }

    static Inode cwd(ProcFilesystem fs, Subject subject, int uid, int gid) {
        return new Link(fs, subject, task -> context(task).cwd());
    }

    static Inode root(ProcFilesystem fs, Subject subject, int uid, int gid) {
        return new Link(fs, subject, task -> context(task).root());
    }

    private static FsContext context(Task task) throws ErrnoException {
        FsContext context = task.fsOrNull();
        if (context == null) {
            throw errno(ENOENT);
        }
        return context;
    }

    /** {@code ns}: every process is in the same ones. */
    static Inode namespaces(ProcFilesystem fs, Subject subject, int uid, int gid) {
        SyntheticDirectory directory = new SyntheticDirectory(fs, 0x149, uid, gid);
        String[] names = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
        long[] numbers = {
            4026531835L,
            4026531839L,
            4026531841L,
            4026531840L,
            4026531836L,
            4026531834L,
            4026531837L,
            4026531838L
        };
        for (int i = 0; i < names.length; i++) {
            directory.add(names[i], new SyntheticSymlink(fs, names[i] + ":[" + numbers[i] + "]"));
        }
        return directory;
    }

    /** The path of {@code at} as {@code reader} sees it. */
    static String pathOf(Location at, @Nullable Task reader, Task subject) {
        FsContext context = reader == null ? subject.fsOrNull() : reader.fsOrNull();
        return context == null ? "/" : MountNamespace.pathOf(at, context.root());
    }

    private static final class Link extends SyntheticSymlink {
        private final Subject subject;
        private final Place place;

        Link(ProcFilesystem fs, Subject subject, Place place) {
            super(fs, "");
            this.subject = subject;
            this.place = place;
        }

        @Override
        public String readLink(@Nullable Task reader) throws ErrnoException {
            return pathOf(followLink(reader), reader, subject.task());
        }

        @Override
        public Location followLink(@Nullable Task reader) throws ErrnoException {
            subject.check(reader);
            return place.get(subject.task());
        }
    }

    private TaskLinks() {}
}
