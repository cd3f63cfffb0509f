package dev.thaw.sentry.vfs;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.state.SaveContext;
import org.jspecify.annotations.Nullable;

/** The inodes of what has no name: pipes, sockets, event descriptors (Linux: {@code anon_inodefs}, {@code pipefs}, {@code sockfs}). Nothing here is saved: a description makes its inode again. */
final class AnonymousFiles extends Filesystem {
    private static final AnonymousFiles INSTANCE = new AnonymousFiles();

    private final Mount mount;

    private AnonymousFiles() {
        setRoot(new AnonymousInode(this, 0));
        mount = new Mount(this, root(), 0, "anon_inodefs");
    }

    /** An inode for {@code file}. */
    static Inode inode(FileDescription file) {
        return new AnonymousInode(INSTANCE, file.anonymousMode());
    }

    /** A place for {@code file}. */
    static Location location(FileDescription file) {
        return new Location(
                INSTANCE.mount,
                Dentry.anonymous(INSTANCE, file.description(), new Reopened(INSTANCE, file)));
    }

    @Override
    public String name() {
        return "anon_inodefs";
    }

    @Override
    public FsStat statfs() {
        return new FsStat(dev.thaw.abi.Mount.ANON_INODE_FS_MAGIC, 4096, 0, 0, 0, 0, 0, 255, 0);
    }

    @Override
    public boolean isRebuilt() {
        return true;
    }

    @Override
    public Record save(SaveContext context) {
        throw new AssertionError("anonymous files are not saved");
    }

    private static class AnonymousInode extends Inode {
        AnonymousInode(Filesystem fs, int mode) {
            super(fs, fs.nextIno(), mode, 0, 0);
        }

        @Override
        public Record save(SaveContext context) {
            throw new AssertionError("anonymous inodes are not saved");
        }
    }

    /** What /proc/self/fd/N leads to: opening it gives the description itself again. */
    private static final class Reopened extends AnonymousInode {
        private final FileDescription file;

        Reopened(Filesystem fs, FileDescription file) {
            super(fs, file.anonymousMode() | 0x1b6);
            this.file = file;
        }

        @Override
        public FileStat stat() throws ErrnoException {
            return file.inode().stat();
        }

        @Override
        public FileDescription open(@Nullable Task task, Location location, int flags)
                throws ErrnoException {
            return file.reopen(task, flags);
        }
    }
}
