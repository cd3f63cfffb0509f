package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Fcntl.O_CLOEXEC;
import static dev.thaw.abi.Fcntl.S_IFLNK;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.event.EpollFile;
import dev.thaw.sentry.fs.event.EventFile;
import dev.thaw.sentry.fs.event.SignalFile;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.DirEntry;
import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.Location;
import dev.thaw.sentry.vfs.RegularFile;
import dev.thaw.sentry.vfs.SyntheticDirectory;
import dev.thaw.sentry.vfs.SyntheticFile;
import dev.thaw.sentry.vfs.SyntheticSymlink;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code /proc/[pid]/fd}, whose links lead to the open files themselves, and {@code /proc/[pid]/fdinfo}. Entries are made for each look-up: a number may stand for another file the next time. */
final class FdDirectory extends SyntheticDirectory {
    private final ProcFilesystem procfs;
    private final Subject subject;
    private final boolean info;

    FdDirectory(ProcFilesystem fs, Subject subject, boolean info, int uid, int gid) {
        super(fs, info ? 0x16d : 0x140, uid, gid);
        this.procfs = fs;
        this.subject = subject;
        this.info = info;
    }

    @Override
    public boolean isDynamic() {
        return true;
    }

    private @Nullable FdTable table() {
        return subject.isGone() ? null : subject.task().fdsOrNull();
    }

    @Override
    public @Nullable Inode lookup(String name) throws ErrnoException {
        int fd = name.equals("0") ? 0 : ProcRoot.parseId(name);
        FdTable table = table();
        if (fd < 0 || table == null || !table.isOpen(fd)) {
            return null;
        }
        if (!subject.permits(Task.current())) {
            throw errno(EACCES);
        }
        return info ? new SyntheticFile(procfs, 0x124, uid(), gid(), _ -> info(fd)) : new Link(fd);
    }

    @Override
    public List<DirEntry> list(@Nullable Task task) throws ErrnoException {
        subject.check(task);
        List<DirEntry> list = new ArrayList<>();
        FdTable table = table();
        if (table != null) {
            for (int fd = table.nextOpen(0); fd >= 0; fd = table.nextOpen(fd + 1)) {
                list.add(
                        new DirEntry(
                                Integer.toString(fd), ino() + 1 + fd, info ? S_IFREG : S_IFLNK));
            }
        }
        return list;
    }

    private FileDescription file(int fd) throws ErrnoException {
        FdTable table = table();
        FileDescription file = table == null ? null : table.getOrNull(fd);
        if (file == null) {
            throw errno(ENOENT);
        }
        return file;
    }

    private final class Link extends SyntheticSymlink {
        private final int fd;

        Link(int fd) {
            super(procfs, "");
            this.fd = fd;
            FdTable table = table();
            FileDescription file = table == null ? null : table.getOrNull(fd);
            if (file != null) {
                try (file) {
                    setMode(
                            S_IFLNK
                                    | (file.isReadable() ? 0x140 : 0)
                                    | (file.isWritable() ? 0xc0 : 0));
                }
            }
            setOwner(FdDirectory.this.uid(), FdDirectory.this.gid());
        }

        @Override
        public long size() {
            return 64;
        }

        @Override
        public String readLink(@Nullable Task reader) throws ErrnoException {
            subject.check(reader);
            try (FileDescription file = file(fd)) {
                Location at = file.location();
                return at == null
                        ? file.description()
                        : TaskLinks.pathOf(at, reader, subject.task());
            }
        }

        @Override
        public Location followLink(@Nullable Task reader) throws ErrnoException {
            subject.check(reader);
            try (FileDescription file = file(fd)) {
                return file.locationOrAnonymous();
            }
        }
    }

    private byte[] info(int fd) throws ErrnoException {
        FdTable table = table();
        try (FileDescription file = file(fd)) {
            boolean closeOnExec = table != null && table.closeOnExec(fd);
            long position = file instanceof RegularFile regular ? regular.position() : 0;
            Text text = new Text();
            text.add("pos:\t").add(position).line();
            String flags =
                    Integer.toOctalString(file.statusFlags() | (closeOnExec ? O_CLOEXEC : 0));
            text.add("flags:\t0").add(flags).line();
            Location at = file.location();
            text.add("mnt_id:\t").add(at == null ? 15 : at.mount().id()).line();
            text.add("ino:\t").add(file.inode().ino()).line();
            switch (file) {
                case EventFile event ->
                        text.add("eventfd-count: ")
                                .right(Long.toHexString(event.counter()), 16)
                                .line();
                case SignalFile signals -> text.add("sigmask:\t").hex(signals.mask(), 16).line();
                case EpollFile epoll ->
                        epoll.forEach(
                                (watched, events, data) ->
                                        text.add("tfd: ")
                                                .right(watched, 8)
                                                .add(" events: ")
                                                .right(Integer.toHexString(events), 8)
                                                .add(" data: ")
                                                .right(Long.toHexString(data), 16)
                                                .line());
                default -> {}
            }
            return text.bytes();
        }
    }
}
