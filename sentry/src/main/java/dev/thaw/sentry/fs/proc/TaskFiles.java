package dev.thaw.sentry.fs.proc;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.SyntheticDirectory;
import dev.thaw.sentry.vfs.SyntheticFile;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The files of a process's directory: their names, permissions and who makes their content. */
final class TaskFiles {
    /** Makes the inode of one entry. */
    @FunctionalInterface
    interface Maker {
        Inode make(ProcFilesystem fs, Subject subject, int uid, int gid);
    }

    /** Makes a file's content. */
    @FunctionalInterface
    interface Content {
        byte[] get(Subject subject, @Nullable Task reader) throws ErrnoException;
    }

    /** Takes what is written to a file. */
    @FunctionalInterface
    interface Writer {
        void write(Subject subject, Task writer, String text) throws ErrnoException;
    }

    /** One name. {@code processOnly}: not in a thread's directory. */
    record Kind(Maker maker, boolean processOnly) {}

    static final Map<String, Kind> KINDS = new LinkedHashMap<>();

    private static final int READ_ALL = 0x124;
    private static final int READ_OWNER = 0x100;
    private static final int WRITE_OWNER = 0x1a4;

    static {
        file("auxv", READ_OWNER, TaskMemory::auxv);
        file("cgroup", READ_ALL, (_, _) -> Text.bytes("0::/\n"));
        file("cmdline", READ_ALL, TaskMemory::cmdline);
        writable("comm", WRITE_OWNER, TaskStatus::comm, TaskStatus::setComm);
        writable(
                "coredump_filter",
                WRITE_OWNER,
                (_, _) -> Text.bytes("00000033\n"),
                (_, _, _) -> {});
        file("cpuset", READ_ALL, (_, _) -> Text.bytes("/\n"));
        add("cwd", TaskLinks::cwd, false);
        file("environ", READ_OWNER, TaskMemory::environ);
        add("exe", TaskLinks::exe, false);
        add("fd", (fs, subject, uid, gid) -> new FdDirectory(fs, subject, false, uid, gid), false);
        add(
                "fdinfo",
                (fs, subject, uid, gid) -> new FdDirectory(fs, subject, true, uid, gid),
                false);
        writable(
                "gid_map",
                WRITE_OWNER,
                (_, _) -> Text.bytes(TaskStatus.ID_MAP),
                TaskStatus::refuse);
        file("io", READ_OWNER, TaskStatus::io);
        file("limits", READ_ALL, TaskStatus::limits);
        writable("loginuid", WRITE_OWNER, (_, _) -> Text.bytes("4294967295"), TaskStatus::refuse);
        file("maps", READ_ALL, TaskMemory::maps);
        file("mountinfo", READ_ALL, MountFiles::mountinfo);
        file("mounts", READ_ALL, MountFiles::mounts);
        add("net", (fs, _, _, _) -> NetFiles.directory(fs), false);
        add("ns", TaskLinks::namespaces, false);
        writable("oom_adj", WRITE_OWNER, TaskStatus::oomAdj, TaskStatus::setOomAdj);
        file("oom_score", READ_ALL, TaskStatus::oomScore);
        writable("oom_score_adj", WRITE_OWNER, TaskStatus::oomScoreAdj, TaskStatus::setOomScoreAdj);
        file("personality", READ_OWNER, (_, _) -> Text.bytes("00000000\n"));
        add("root", TaskLinks::root, false);
        file("schedstat", READ_ALL, TaskStatus::schedstat);
        file("sessionid", READ_ALL, (_, _) -> Text.bytes("4294967295"));
        writable("setgroups", WRITE_OWNER, (_, _) -> Text.bytes("allow\n"), TaskStatus::refuse);
        file("smaps", READ_ALL, TaskMemory::smaps);
        file("smaps_rollup", READ_ALL, TaskMemory::smapsRollup);
        file("stat", READ_ALL, TaskStat::stat);
        file("statm", READ_ALL, TaskStat::statm);
        file("status", READ_ALL, TaskStatus::status);
        add("task", (fs, subject, _, _) -> new ThreadList(fs, subject), true);
        writable("timerslack_ns", WRITE_OWNER, (_, _) -> Text.bytes("50000\n"), (_, _, _) -> {});
        writable(
                "uid_map",
                WRITE_OWNER,
                (_, _) -> Text.bytes(TaskStatus.ID_MAP),
                TaskStatus::refuse);
        file("wchan", READ_ALL, (_, _) -> Text.bytes("0"));
    }

    private static void add(String name, Maker maker, boolean processOnly) {
        KINDS.put(name, new Kind(maker, processOnly));
    }

    private static void file(String name, int permissions, Content content) {
        add(
                name,
                (fs, subject, uid, gid) ->
                        new SyntheticFile(
                                fs,
                                permissions,
                                uid,
                                gid,
                                reader -> read(content, subject, reader)),
                false);
    }

    private static byte[] read(Content content, Subject subject, @Nullable Task reader)
            throws ErrnoException {
        subject.checkAlive();
        return content.get(subject, reader);
    }

    private static void writable(String name, int permissions, Content content, Writer writer) {
        add(
                name,
                (fs, subject, uid, gid) ->
                        new WritableFile(fs, permissions, uid, gid, subject, content, writer),
                false);
    }

    private static final class WritableFile extends SyntheticFile {
        private final Subject subject;
        private final Writer writer;

        WritableFile(
                ProcFilesystem fs,
                int permissions,
                int uid,
                int gid,
                Subject subject,
                TaskFiles.Content content,
                Writer writer) {
            super(fs, permissions, uid, gid, reader -> TaskFiles.read(content, subject, reader));
            this.subject = subject;
            this.writer = writer;
        }

        @Override
        public long write(Task task, byte[] bytes, long offset) throws ErrnoException {
            subject.checkAlive();
            writer.write(
                    subject, task, new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1));
            return bytes.length;
        }
    }

    /** {@code /proc/[pid]/task}. */
    private static final class ThreadList extends SyntheticDirectory {
        private final ProcFilesystem procfs;
        private final Subject subject;
        private final Map<Integer, TaskDirectory> threads =
                new java.util.concurrent.ConcurrentHashMap<>();

        ThreadList(ProcFilesystem fs, Subject subject) {
            super(fs, 0x16d);
            procfs = fs;
            this.subject = subject;
        }

        @Override
        public boolean isDynamic() {
            return true;
        }

        @Override
        public @Nullable Inode lookup(String name) {
            int id = ProcRoot.parseId(name);
            Task task = id < 0 ? null : subject.group().kernel().tasks().task(id);
            if (task == null || task.threadGroup() != subject.group()) {
                threads.remove(id);
                return null;
            }
            return directory(task);
        }

        private TaskDirectory directory(Task task) {
            TaskDirectory known = threads.get(task.tid());
            if (known == null || known.subject().thread() != task) {
                known = new TaskDirectory(procfs, new Subject(subject.group(), task));
                threads.put(task.tid(), known);
            }
            known.refreshOwner();
            return known;
        }

        @Override
        public java.util.List<dev.thaw.sentry.vfs.DirEntry> list(@Nullable Task task)
                throws ErrnoException {
            subject.checkAlive();
            threads.values().removeIf(TaskDirectory::isGone);
            java.util.List<dev.thaw.sentry.vfs.DirEntry> list = new java.util.ArrayList<>();
            Task[] tasks = subject.group().tasks();
            for (Task each : tasks.length == 0 ? new Task[] {subject.group().leader()} : tasks) {
                TaskDirectory directory = directory(each);
                list.add(
                        new dev.thaw.sentry.vfs.DirEntry(
                                Integer.toString(each.tid()), directory.ino(), directory.type()));
            }
            return list;
        }
    }

    private TaskFiles() {}
}
