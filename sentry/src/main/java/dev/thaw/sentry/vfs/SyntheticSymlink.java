package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Fcntl.S_IFLNK;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.state.SaveContext;
import org.jspecify.annotations.Nullable;

/** A symbolic link whose target the Sentry makes up. A subclass may lead to a place directly: {@link #followLink}. */
public class SyntheticSymlink extends Inode {
    /** Says the target for who asks (null: the Sentry itself). */
    @FunctionalInterface
    public interface Target {
        String get(@Nullable Task task) throws ErrnoException;
    }

    private final Target target;

    public SyntheticSymlink(Filesystem fs, Target target) {
        super(fs, fs.nextIno(), S_IFLNK | 0x1ff, 0, 0);
        this.target = target;
    }

    /** A link to a fixed path. */
    public SyntheticSymlink(Filesystem fs, String target) {
        this(fs, _ -> target);
    }

    @Override
    public String readLink(@Nullable Task task) throws ErrnoException {
        return target.get(task);
    }

    @Override
    public Record save(SaveContext context) {
        throw new AssertionError("synthetic files are found again by name");
    }
}
