package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Fcntl.S_IFDIR;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.mm.IoBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/** File operations on a tree, by Linux below a temporary directory or by our VFS. Results are what the calls return: at least 0, or {@code -errno}. */
interface FileTree {
    int open(String path, int flags, int mode);

    int close(int fd);

    long pwrite(int fd, String text, long offset);

    String pread(int fd, int length, long offset);

    int truncate(int fd, long size);

    int mkdir(String path, int mode);

    int rmdir(String path);

    int unlink(String path);

    int rename(String from, String to, int flags);

    int link(String from, String to);

    int symlink(String target, String path);

    int chmod(String path, int mode);

    /** Type, mode, size (of files) and link count. */
    String stat(String path, boolean follow);

    /** The names in a directory with their types. */
    Map<String, Integer> list(String path);

    /** Linux itself. */
    final class Host implements FileTree {
        private final String root;
        private final MemorySegment buffer = Arena.ofAuto().allocate(1 << 20);

        Host(String root) {
            this.root = root;
        }

        private String at(String path) {
            return root + "/" + path;
        }

        @Override
        public int open(String path, int flags, int mode) {
            return HostFiles.open(at(path), flags, mode);
        }

        @Override
        public int close(int fd) {
            return HostFiles.close(fd);
        }

        @Override
        public long pwrite(int fd, String text, long offset) {
            byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
            MemorySegment.copy(MemorySegment.ofArray(bytes), 0, buffer, 0, bytes.length);
            return HostFiles.pwrite(fd, buffer, 0, bytes.length, offset);
        }

        @Override
        public String pread(int fd, int length, long offset) {
            long count = HostFiles.pread(fd, buffer, 0, length, offset);
            if (count < 0) {
                return "error " + count;
            }
            byte[] bytes = new byte[(int) count];
            MemorySegment.copy(buffer, 0, MemorySegment.ofArray(bytes), 0, count);
            return new String(bytes, StandardCharsets.ISO_8859_1);
        }

        @Override
        public int truncate(int fd, long size) {
            return HostFiles.ftruncate(fd, size);
        }

        @Override
        public int mkdir(String path, int mode) {
            return HostFiles.mkdirat(Fcntl.AT_FDCWD, at(path), mode);
        }

        @Override
        public int rmdir(String path) {
            return HostFiles.unlinkat(Fcntl.AT_FDCWD, at(path), Fcntl.AT_REMOVEDIR);
        }

        @Override
        public int unlink(String path) {
            return HostFiles.unlinkat(Fcntl.AT_FDCWD, at(path), 0);
        }

        @Override
        public int rename(String from, String to, int flags) {
            return HostFiles.renameat2(Fcntl.AT_FDCWD, at(from), Fcntl.AT_FDCWD, at(to), flags);
        }

        @Override
        public int link(String from, String to) {
            return HostFiles.linkat(Fcntl.AT_FDCWD, at(from), Fcntl.AT_FDCWD, at(to), 0);
        }

        @Override
        public int symlink(String target, String path) {
            return HostFiles.symlinkat(target, Fcntl.AT_FDCWD, at(path));
        }

        @Override
        public int chmod(String path, int mode) {
            return HostFiles.fchmodat(Fcntl.AT_FDCWD, at(path), mode);
        }

        @Override
        public String stat(String path, boolean follow) {
            HostStat s = new HostStat();
            int result =
                    HostFiles.statx(
                            Fcntl.AT_FDCWD, at(path), follow ? 0 : Fcntl.AT_SYMLINK_NOFOLLOW, s);
            return result < 0 ? "error " + result : describe(s.mode, s.size, s.nlink);
        }

        @Override
        public Map<String, Integer> list(String path) {
            int fd = open(path, Fcntl.O_DIRECTORY, 0);
            if (fd < 0) {
                return Map.of("error", fd);
            }
            TreeMap<String, Integer> names = new TreeMap<>();
            try {
                while (true) {
                    long count = HostFiles.getdents64(fd, buffer);
                    if (count <= 0) {
                        return names;
                    }
                    for (long p = 0; p < count; ) {
                        int length =
                                buffer.get(
                                                java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED,
                                                p + 16)
                                        & 0xffff;
                        int type = buffer.get(java.lang.foreign.ValueLayout.JAVA_BYTE, p + 18);
                        names.put(
                                buffer.getString(p + 19, StandardCharsets.ISO_8859_1), type << 12);
                        p += length;
                    }
                }
            } finally {
                close(fd);
            }
        }
    }

    static String describe(int mode, long size, int nlink) {
        boolean directory = (mode & Fcntl.S_IFMT) == S_IFDIR;
        return Integer.toOctalString(mode) + (directory ? "" : " size " + size + " links " + nlink);
    }

    /** Ours. */
    final class Ours implements FileTree {
        private final FsContext context;
        private final Credentials who;
        private final FdTable fds = new FdTable();

        Ours(Filesystem root, Credentials who) {
            this.context = FsContext.atRoot(new MountNamespace(root, 0));
            this.context.setUmask(0);
            this.who = who;
        }

        private interface Call {
            long run() throws ErrnoException;
        }

        private static long result(Call call) {
            try {
                return call.run();
            } catch (ErrnoException e) {
                return -e.errno();
            }
        }

        private NameOperations names() {
            return new NameOperations(null, who, context);
        }

        private Location resolve(String path, boolean follow) throws ErrnoException {
            return new PathWalk(null, who, context).resolve(context.cwd(), path, follow);
        }

        @Override
        public int open(String path, int flags, int mode) {
            return (int)
                    result(
                            () -> {
                                FileDescription file =
                                        new FileOpener(null, who, context)
                                                .open(context.cwd(), path, flags, mode);
                                return fds.install(file, 0, false, 1024);
                            });
        }

        @Override
        public int close(int fd) {
            return (int)
                    result(
                            () -> {
                                fds.close(fd);
                                return 0;
                            });
        }

        @Override
        @SuppressWarnings("NullAway")
        public long pwrite(int fd, String text, long offset) {
            return result(
                    () -> {
                        try (FileDescription file = fds.get(fd)) {
                            byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
                            return file.pwrite(null, IoBuffer.of(bytes), offset);
                        }
                    });
        }

        @Override
        @SuppressWarnings("NullAway")
        public String pread(int fd, int length, long offset) {
            byte[] bytes = new byte[length];
            long count =
                    result(
                            () -> {
                                try (FileDescription file = fds.get(fd)) {
                                    return file.pread(null, IoBuffer.of(bytes), offset);
                                }
                            });
            return count < 0
                    ? "error " + count
                    : new String(bytes, 0, (int) count, StandardCharsets.ISO_8859_1);
        }

        @Override
        public int truncate(int fd, long size) {
            return (int)
                    result(
                            () -> {
                                try (FileDescription file = fds.get(fd)) {
                                    if (!file.isWritable()) {
                                        return -Errno.EINVAL;
                                    }
                                    file.inode().truncate(size);
                                    return 0;
                                }
                            });
        }

        @Override
        public int mkdir(String path, int mode) {
            return (int)
                    result(
                            () -> {
                                names().makeNode(context.cwd(), path, S_IFDIR | mode, 0);
                                return 0;
                            });
        }

        @Override
        public int rmdir(String path) {
            return (int)
                    result(
                            () -> {
                                names().rmdir(context.cwd(), path);
                                return 0;
                            });
        }

        @Override
        public int unlink(String path) {
            return (int)
                    result(
                            () -> {
                                names().unlink(context.cwd(), path);
                                return 0;
                            });
        }

        @Override
        public int rename(String from, String to, int flags) {
            return (int)
                    result(
                            () -> {
                                new RenameOperation(null, who, context, flags)
                                        .rename(context.cwd(), from, context.cwd(), to);
                                return 0;
                            });
        }

        @Override
        public int link(String from, String to) {
            return (int)
                    result(
                            () -> {
                                names().makeLink(resolve(from, false), context.cwd(), to);
                                return 0;
                            });
        }

        @Override
        public int symlink(String target, String path) {
            return (int)
                    result(
                            () -> {
                                names().makeSymlink(target, context.cwd(), path);
                                return 0;
                            });
        }

        @Override
        public int chmod(String path, int mode) {
            return (int)
                    result(
                            () -> {
                                Inode inode = resolve(path, true).inode();
                                Access.checkOwner(who, inode);
                                inode.chmod(mode);
                                return 0;
                            });
        }

        @Override
        public String stat(String path, boolean follow) {
            try {
                FileStat s = resolve(path, follow).inode().stat();
                return describe(s.mode(), s.size(), s.nlink());
            } catch (ErrnoException e) {
                return "error " + -e.errno();
            }
        }

        @Override
        public Map<String, Integer> list(String path) {
            int fd = open(path, Fcntl.O_DIRECTORY, 0);
            if (fd < 0) {
                return Map.of("error", fd);
            }
            TreeMap<String, Integer> names = new TreeMap<>();
            try (FileDescription file = fds.get(fd)) {
                ((DirectoryDescription) file)
                        .readEntries(
                                null,
                                (name, _, type, _) -> {
                                    names.put(name, type);
                                    return true;
                                });
            } catch (ErrnoException e) {
                names.put("error", -e.errno());
            } finally {
                close(fd);
            }
            return names;
        }
    }
}
