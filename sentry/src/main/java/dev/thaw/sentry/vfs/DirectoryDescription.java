package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EISDIR;
import static dev.thaw.abi.Fcntl.SEEK_CUR;
import static dev.thaw.abi.Fcntl.SEEK_END;
import static dev.thaw.abi.Fcntl.SEEK_SET;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An open directory. Its first reading takes a list of the names, and positions are places in that list; a seek to 0 takes a new one. So names that are removed or made while it is read
 * may or may not show, as POSIX says, and none is told twice or left out.
 */
public class DirectoryDescription extends FileDescription {
    /** Takes entries; answers false when it has no room for this one. */
    @FunctionalInterface
    public interface Sink {
        boolean add(String name, long ino, int type, long nextPosition) throws ErrnoException;
    }

    private final KernelLock mu = new KernelLock(LockClass.FILE_POSITION);

    @GuardedBy("mu")
    private @Nullable List<DirEntry> entries;

    @GuardedBy("mu")
    private int position;

    public DirectoryDescription(Inode inode, int flags) {
        super(flags);
        inode.opened();
    }

    private DirectoryDescription(State state) {
        super(state.file);
        this.position = state.position;
        if (state.position > 0) {
            ArrayList<DirEntry> list = new ArrayList<>();
            for (int i = 0; i < state.names.size(); i++) {
                list.add(new DirEntry(state.names.get(i), state.inos[i], state.types[i]));
            }
            this.entries = list;
        }
    }

    @Override
    protected void release() {
        inode().released();
    }

    /** Gives the entries from the current position on to {@code sink}, and advances. */
    public void readEntries(@Nullable Task task, Sink sink) throws ErrnoException {
        mu.lock();
        try {
            List<DirEntry> list = entries;
            if (list == null || position == 0) {
                list = inode().list(task);
                entries = list;
            }
            while (position < list.size() + 2) {
                if (!addLocked(sink, list, position)) {
                    return;
                }
                position++;
            }
        } finally {
            mu.unlock();
        }
    }

    private boolean addLocked(Sink sink, List<DirEntry> list, int at) throws ErrnoException {
        if (at == 0) {
            return sink.add(".", inode().ino(), S_IFDIR, 1);
        }
        if (at == 1) {
            Location here = location();
            Dentry parent = here == null ? null : here.dentry().parent();
            return sink.add(
                    "..", parent == null ? inode().ino() : parent.requireInode().ino(), S_IFDIR, 2);
        }
        DirEntry entry = list.get(at - 2);
        return sink.add(entry.name(), entry.ino(), entry.type(), at + 1L);
    }

    @Override
    public long read(Task task, IoBuffer target) throws ErrnoException {
        throw errno(EISDIR);
    }

    @Override
    public long pread(Task task, IoBuffer target, long offset) throws ErrnoException {
        throw errno(EISDIR);
    }

    @Override
    public long seek(Task task, long offset, int whence) throws ErrnoException {
        mu.lock();
        try {
            long target =
                    switch (whence) {
                        case SEEK_SET -> offset;
                        case SEEK_CUR -> position + offset;
                        case SEEK_END -> (entries == null ? 2 : entries.size() + 2L) + offset;
                        default -> throw errno(EINVAL);
                    };
            if (target < 0) {
                throw errno(EINVAL);
            }
            position = (int) Math.min(target, Integer.MAX_VALUE - 8);
            return target;
        } finally {
            mu.unlock();
        }
    }

    /** The list only while it is being read. */
    @StateType(id = 0x030a)
    public record State(
            FileState file, int position, List<String> names, long[] inos, int[] types) {}

    @Override
    @SuppressWarnings("GuardedBy") // the kernel is paused
    public Record save(SaveContext context) {
        ArrayList<String> names = new ArrayList<>();
        List<DirEntry> list = position > 0 && entries != null ? entries : List.of();
        long[] inos = new long[list.size()];
        int[] types = new int[list.size()];
        for (int i = 0; i < inos.length; i++) {
            DirEntry entry = list.get(i);
            names.add(entry.name());
            inos[i] = entry.ino();
            types[i] = entry.type();
        }
        return new State(saveFile(context), position, names, inos, types);
    }

    static final Restorer<State, DirectoryDescription> RESTORER =
            new Restorer<>() {
                @Override
                public DirectoryDescription create(State state, RestoreContext context) {
                    return new DirectoryDescription(state);
                }

                @Override
                public void link(DirectoryDescription file, State state, RestoreContext context) {
                    file.restoreFile(state.file, context);
                    context.afterLink(() -> file.inode().opened());
                }
            };
}
