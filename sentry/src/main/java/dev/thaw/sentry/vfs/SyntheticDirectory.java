package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.state.SaveContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * A directory whose content the Sentry makes up: of fixed entries, or, in a subclass that overrides {@link #lookup}, {@link #list} and {@link #isDynamic}, of what there is at the moment. Its file system
 * {@linkplain Filesystem#isRebuilt is rebuilt} on restore, so it is not saved.
 */
public class SyntheticDirectory extends Inode {
    private final Map<String, Inode> entries = new ConcurrentSkipListMap<>();

    public SyntheticDirectory(Filesystem fs, int permissions) {
        this(fs, permissions, 0, 0);
    }

    @SuppressWarnings("this-escape")
    public SyntheticDirectory(Filesystem fs, int permissions, int uid, int gid) {
        super(fs, fs.nextIno(), S_IFDIR | permissions, uid, gid);
        setNlink(2);
    }

    /** Adds a fixed entry. */
    public SyntheticDirectory add(String name, Inode child) {
        entries.put(name, child);
        return this;
    }

    /** Takes a fixed entry out. */
    public void remove(String name) {
        entries.remove(name);
    }

    @Override
    public @Nullable Inode lookup(String name) throws ErrnoException {
        return entries.get(name);
    }

    @Override
    public Inode create(String name, NewNode node) throws ErrnoException {
        throw errno(EPERM);
    }

    @Override
    public List<DirEntry> list(@Nullable Task task) throws ErrnoException {
        ArrayList<DirEntry> list = new ArrayList<>(entries.size());
        for (Map.Entry<String, Inode> entry : entries.entrySet()) {
            list.add(new DirEntry(entry.getKey(), entry.getValue().ino(), entry.getValue().type()));
        }
        return list;
    }

    @Override
    public Record save(SaveContext context) {
        throw new AssertionError("synthetic files are found again by name");
    }
}
