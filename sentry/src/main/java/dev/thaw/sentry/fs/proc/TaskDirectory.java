package dev.thaw.sentry.fs.proc;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.DirEntry;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.SyntheticDirectory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** {@code /proc/[pid]} and {@code /proc/[pid]/task/[tid]}. Files are made when they are first looked up. */
final class TaskDirectory extends SyntheticDirectory {
    private final ProcFilesystem procfs;
    private final Subject subject;
    private final Map<String, Inode> made = new ConcurrentHashMap<>();

    TaskDirectory(ProcFilesystem fs, Subject subject) {
        super(fs, 0x16d);
        this.procfs = fs;
        this.subject = subject;
        refreshOwner();
    }

    Subject subject() {
        return subject;
    }

    boolean isGone() {
        return subject.isGone();
    }

    /** Gives all files here to whom the process runs as. */
    void refreshOwner() {
        Credentials who = subject.task().credentials();
        if (uid() != who.euid() || gid() != who.egid()) {
            setOwner(who.euid(), who.egid());
            made.clear(); // made again with their new owner
        }
    }

    @Override
    public boolean isDynamic() {
        return true;
    }

    @Override
    public @Nullable Inode lookup(String name) throws ErrnoException {
        TaskFiles.Kind kind = TaskFiles.KINDS.get(name);
        if (kind == null || (kind.processOnly() && subject.thread() != null)) {
            return null;
        }
        return inode(name, kind);
    }

    private Inode inode(String name, TaskFiles.Kind kind) {
        Inode known = made.get(name);
        if (known == null) {
            known = kind.maker().make(procfs, subject, uid(), gid());
            Inode other = made.putIfAbsent(name, known);
            known = other == null ? known : other;
        }
        return known;
    }

    @Override
    public List<DirEntry> list(@Nullable Task task) throws ErrnoException {
        subject.checkAlive();
        List<DirEntry> list = new ArrayList<>(TaskFiles.KINDS.size());
        for (Map.Entry<String, TaskFiles.Kind> entry : TaskFiles.KINDS.entrySet()) {
            if (!entry.getValue().processOnly() || subject.thread() == null) {
                Inode inode = inode(entry.getKey(), entry.getValue());
                list.add(new DirEntry(entry.getKey(), inode.ino(), inode.type()));
            }
        }
        return list;
    }
}
