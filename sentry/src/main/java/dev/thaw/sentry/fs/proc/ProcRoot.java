package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.vfs.DirEntry;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.SyntheticDirectory;
import dev.thaw.sentry.vfs.SyntheticFile;
import dev.thaw.sentry.vfs.SyntheticSymlink;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** {@code /proc}: fixed files, and a directory for each process. A thread's id leads to its own directory too, though no listing shows it. */
final class ProcRoot extends SyntheticDirectory {
    private static final int SWEEP_AT = 64;

    private final Kernel kernel;
    private final ProcFilesystem procfs;
    private final ConcurrentHashMap<Integer, TaskDirectory> processes = new ConcurrentHashMap<>();

    ProcRoot(ProcFilesystem fs) {
        super(fs, 0x16d);
        procfs = fs;
        kernel = fs.kernel();
        add("self", new SyntheticSymlink(fs, ProcRoot::self));
        add("thread-self", new SyntheticSymlink(fs, ProcRoot::threadSelf));
        add("mounts", new SyntheticSymlink(fs, "self/mounts"));
        add("net", new SyntheticSymlink(fs, "self/net"));
        SystemFiles files = new SystemFiles(kernel);
        file("meminfo", files::meminfo);
        file("cpuinfo", files::cpuinfo);
        file("stat", files::stat);
        file("uptime", files::uptime);
        file("loadavg", files::loadavg);
        file("version", files::version);
        file("vmstat", files::vmstat);
        file("filesystems", _ -> Text.bytes(SystemFiles.FILESYSTEMS));
        file("cmdline", _ -> Text.bytes("\n"));
        file("devices", _ -> Text.bytes(SystemFiles.DEVICES));
        file("diskstats", _ -> new byte[0]);
        file("modules", _ -> new byte[0]);
        file("partitions", _ -> Text.bytes("major minor  #blocks  name\n\n"));
        file("swaps", _ -> Text.bytes("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"));
        file("cgroups", _ -> Text.bytes("#subsys_name\thierarchy\tnum_cgroups\tenabled\n"));
        file("interrupts", files::interrupts);
        add("sys", SysctlTree.make(fs, kernel));
        SyntheticDirectory thaw = new SyntheticDirectory(fs, 0x16d);
        thaw.add("checkpoint", new CheckpointFile(fs));
        add("thaw", thaw);
    }

    private void file(String name, SyntheticFile.Content content) {
        add(name, new SyntheticFile(procfs, 0x124, content));
    }

    private static String self(@Nullable Task task) throws ErrnoException {
        if (task == null) {
            throw errno(ENOENT);
        }
        return Integer.toString(task.threadGroup().pid());
    }

    private static String threadSelf(@Nullable Task task) throws ErrnoException {
        if (task == null) {
            throw errno(ENOENT);
        }
        return task.threadGroup().pid() + "/task/" + task.tid();
    }

    @Override
    public boolean isDynamic() {
        return true;
    }

    @Override
    public @Nullable Inode lookup(String name) throws ErrnoException {
        int id = parseId(name);
        return id > 0 ? process(id) : super.lookup(name);
    }

    private @Nullable Inode process(int id) {
        ThreadGroup group = kernel.tasks().group(id);
        if (group == null) {
            Task task = kernel.tasks().task(id);
            if (task == null) {
                processes.remove(id);
                return null;
            }
            group = task.threadGroup();
        }
        TaskDirectory known = processes.get(id);
        if (known == null || known.subject().group() != group) {
            if (processes.size() > SWEEP_AT) {
                processes.values().removeIf(TaskDirectory::isGone);
            }
            known = new TaskDirectory(procfs, new Subject(group, null));
            processes.put(id, known);
        }
        known.refreshOwner();
        return known;
    }

    @Override
    public List<DirEntry> list(@Nullable Task task) throws ErrnoException {
        List<DirEntry> list = super.list(task);
        for (ThreadGroup group : kernel.tasks().groups()) {
            Inode directory = process(group.pid());
            if (directory != null) {
                list.add(
                        new DirEntry(
                                Integer.toString(group.pid()), directory.ino(), directory.type()));
            }
        }
        return list;
    }

    /** The number that {@code name} is, without sign or leading zero; -1 for another name. */
    static int parseId(String name) {
        if (name.isEmpty() || name.length() > 9 || name.charAt(0) == '0') {
            return -1;
        }
        int value = 0;
        for (int i = 0; i < name.length(); i++) {
            int digit = name.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            value = value * 10 + digit;
        }
        return value;
    }
}
