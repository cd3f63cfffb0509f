package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Fcntl.S_IFREG;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.state.SaveContext;
import org.jspecify.annotations.Nullable;

/** A regular file whose content the Sentry makes up when it is read from its start (Linux: {@code seq_file}), and which may take writes. */
public class SyntheticFile extends Inode {
    /** Makes the content for who reads (null: the Sentry itself). */
    @FunctionalInterface
    public interface Content {
        byte[] get(@Nullable Task task) throws ErrnoException;
    }

    private static final int MAX_WRITE = 4096 * 16;

    private final Content content;

    public SyntheticFile(Filesystem fs, int permissions, Content content) {
        this(fs, permissions, 0, 0, content);
    }

    public SyntheticFile(Filesystem fs, int permissions, int uid, int gid, Content content) {
        super(fs, fs.nextIno(), S_IFREG | permissions, uid, gid);
        this.content = content;
    }

    /** The content now. */
    public byte[] content(@Nullable Task task) throws ErrnoException {
        return content.get(task);
    }

    /** Grows when the content changes in a way that poll(2) tells; by default it never does, and the file is always ready. */
    public long version() {
        return 0;
    }

    /** Told when {@link #version} grows; null where it does not. */
    public @Nullable WaitQueue changes() {
        return null;
    }

    /** Takes what was written at {@code offset}; returns how much of it. EINVAL unless overridden. */
    public long write(Task task, byte[] bytes, long offset) throws ErrnoException {
        throw errno(EINVAL);
    }

    final long write(Task task, IoBuffer source, long offset) throws ErrnoException {
        byte[] bytes = new byte[(int) Math.min(source.remaining(), MAX_WRITE)];
        source.take(bytes, 0, bytes.length);
        return write(task, bytes, offset);
    }

    @Override
    public void truncate(long size) throws ErrnoException {
        if ((mode() & 0x92) == 0) {
            throw errno(EACCES);
        }
    }

    @Override
    public FileDescription open(@Nullable Task task, Location location, int flags)
            throws ErrnoException {
        return new SyntheticFileDescription(flags, version());
    }

    @Override
    public Record save(SaveContext context) {
        throw new AssertionError("synthetic files are found again by name");
    }
}
