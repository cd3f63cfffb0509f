package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EMFILE;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.state.ImageException;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A descriptor table (Linux: {@code struct files_struct}), shared by CLONE_FILES. Each slot owns one reference. {@link #get} takes no lock: it takes a reference and looks whether the slot is still
 * the same, as Linux's {@code __fget_files_rcu} does.
 */
public final class FdTable implements Saveable {
    /** As Linux's fs.nr_open. */
    public static final int MAX_FDS = 1 << 20;

    private final KernelLock mu = new KernelLock(LockClass.FD_TABLE);
    private final AtomicInteger users = new AtomicInteger(1);

    private volatile AtomicReferenceArray<@Nullable FileDescription> slots =
            new AtomicReferenceArray<>(64);

    @GuardedBy("mu")
    private final BitSet used = new BitSet();

    @GuardedBy("mu")
    private final BitSet closeOnExec = new BitSet();

    /** The description at {@code fd} with a reference that the caller closes; EBADF. */
    public FileDescription get(int fd) throws ErrnoException {
        while (true) {
            FileDescription file = peek(fd);
            if (file == null) {
                throw errno(EBADF);
            }
            if (file.tryAcquire()) {
                if (peek(fd) == file) {
                    return file;
                }
                file.close();
            }
        }
    }

    private @Nullable FileDescription peek(int fd) {
        AtomicReferenceArray<@Nullable FileDescription> table = slots;
        return fd >= 0 && fd < table.length() ? table.get(fd) : null;
    }

    /** As {@link #get}, with null where nothing is open. */
    public @Nullable FileDescription getOrNull(int fd) {
        while (true) {
            FileDescription file = peek(fd);
            if (file == null) {
                return null;
            }
            if (file.tryAcquire()) {
                if (peek(fd) == file) {
                    return file;
                }
                file.close();
            }
        }
    }

    /** More than any open descriptor: what select(2) looks at. */
    public int capacity() {
        return slots.length();
    }

    /** Whether {@code fd} is open; for listings. */
    public boolean isOpen(int fd) {
        return peek(fd) != null;
    }

    /** Puts {@code file} (taking over the caller's reference) at the lowest free descriptor of at least {@code min}; EMFILE past RLIMIT_NOFILE, and then the reference is still the caller's. */
    public int install(FileDescription file, int min, boolean closeOnExec, long limit)
            throws ErrnoException {
        mu.lock();
        try {
            int fd = used.nextClearBit(min);
            if (fd >= Math.min(limit < 0 ? Long.MAX_VALUE : limit, MAX_FDS)) {
                throw errno(EMFILE);
            }
            growLocked(fd);
            used.set(fd);
            this.closeOnExec.set(fd, closeOnExec);
            slots.set(fd, file);
            return fd;
        } finally {
            mu.unlock();
        }
    }

    /** Puts {@code file} (taking over the reference) at {@code fd}, closing what was there (dup2). */
    public void replace(FileDescription file, int fd, boolean closeOnExec, long limit)
            throws ErrnoException {
        FileDescription old;
        mu.lock();
        try {
            if (fd < 0 || fd >= Math.min(limit < 0 ? Long.MAX_VALUE : limit, MAX_FDS)) {
                throw errno(EBADF);
            }
            growLocked(fd);
            used.set(fd);
            this.closeOnExec.set(fd, closeOnExec);
            old = slots.getAndSet(fd, file);
        } finally {
            mu.unlock();
        }
        if (old != null) {
            closed(old);
        }
    }

    /** close(2). */
    public void close(int fd) throws ErrnoException {
        FileDescription file = remove(fd);
        if (file == null) {
            throw errno(EBADF);
        }
        closed(file);
    }

    private @Nullable FileDescription remove(int fd) {
        mu.lock();
        try {
            if (fd < 0 || !used.get(fd)) {
                return null;
            }
            used.clear(fd);
            closeOnExec.clear(fd);
            return slots.getAndSet(fd, null);
        } finally {
            mu.unlock();
        }
    }

    private void closed(FileDescription file) {
        FileLocks locks = file.hasInode() ? file.inode().locksIfAny() : null;
        if (locks != null) {
            locks.releaseOwner(this);
        }
        file.close();
    }

    private void growLocked(int fd) {
        AtomicReferenceArray<@Nullable FileDescription> old = slots;
        if (fd < old.length()) {
            return;
        }
        var table =
                new AtomicReferenceArray<@Nullable FileDescription>(
                        Math.max(fd + 1, old.length() * 2));
        for (int i = 0; i < old.length(); i++) {
            table.setPlain(i, old.getPlain(i));
        }
        slots = table;
    }

    /** The close-on-exec flag of {@code fd}; EBADF. */
    public boolean closeOnExec(int fd) throws ErrnoException {
        mu.lock();
        try {
            if (fd < 0 || !used.get(fd)) {
                throw errno(EBADF);
            }
            return closeOnExec.get(fd);
        } finally {
            mu.unlock();
        }
    }

    /** Sets the close-on-exec flag of {@code fd}; EBADF. */
    public void setCloseOnExec(int fd, boolean value) throws ErrnoException {
        mu.lock();
        try {
            if (fd < 0 || !used.get(fd)) {
                throw errno(EBADF);
            }
            closeOnExec.set(fd, value);
        } finally {
            mu.unlock();
        }
    }

    /** close_range(2): closes, or only marks close-on-exec, all of {@code first … last}. */
    public void closeRange(int first, int last, boolean markOnly) {
        int fd = nextOpen(first);
        while (fd >= 0 && fd <= last) {
            if (markOnly) {
                mu.lock();
                try {
                    closeOnExec.set(fd, used.get(fd));
                } finally {
                    mu.unlock();
                }
            } else {
                FileDescription file = remove(fd);
                if (file != null) {
                    closed(file);
                }
            }
            fd = fd == Integer.MAX_VALUE ? -1 : nextOpen(fd + 1);
        }
    }

    /** The lowest open descriptor of at least {@code from}, or -1. */
    public int nextOpen(int from) {
        mu.lock();
        try {
            return used.nextSetBit(from);
        } finally {
            mu.unlock();
        }
    }

    /** Closes what execve(2) does not keep. */
    public void closeForExec() {
        while (true) {
            int fd;
            mu.lock();
            try {
                fd = closeOnExec.nextSetBit(0);
            } finally {
                mu.unlock();
            }
            if (fd < 0) {
                return;
            }
            FileDescription file = remove(fd);
            if (file != null) {
                closed(file);
            }
        }
    }

    /** A copy, for a clone without CLONE_FILES. */
    public FdTable fork() {
        FdTable copy = new FdTable();
        mu.lock();
        try {
            copy.copyFrom(slots, used, closeOnExec);
        } finally {
            mu.unlock();
        }
        return copy;
    }

    private void copyFrom(
            AtomicReferenceArray<@Nullable FileDescription> table, BitSet open, BitSet cloexec) {
        mu.lockNested("a new table that nobody else knows");
        try {
            growLocked(Math.max(0, open.length() - 1));
            for (int fd = open.nextSetBit(0); fd >= 0; fd = open.nextSetBit(fd + 1)) {
                FileDescription file = table.get(fd);
                if (file != null) {
                    slots.set(fd, file.acquire());
                    used.set(fd);
                }
            }
            closeOnExec.or(cloexec);
        } finally {
            mu.unlock();
        }
    }

    /** One more task shares the table. */
    public FdTable acquire() {
        users.incrementAndGet();
        return this;
    }

    /** Whether other tasks share it. */
    public boolean isShared() {
        return users.get() > 1;
    }

    /** One task fewer; the last closes all descriptors. */
    public void release() {
        if (users.decrementAndGet() == 0) {
            closeRange(0, Integer.MAX_VALUE, false);
        }
    }

    /** What a checkpoint keeps: for each open descriptor its number, description and close-on-exec flag. Users are counted again as tasks are linked. */
    @StateType(id = 0x030b)
    public record State(int[] fds, int[] files, int[] cloexec) {}

    @Override
    @SuppressWarnings("GuardedBy") // the kernel is paused
    public Record save(SaveContext context) {
        int count = used.cardinality();
        int[] fds = new int[count];
        int[] files = new int[count];
        int[] flags = new int[count];
        int i = 0;
        for (int fd = used.nextSetBit(0); fd >= 0; fd = used.nextSetBit(fd + 1)) {
            fds[i] = fd;
            files[i] = context.ref(slots.get(fd));
            flags[i++] = closeOnExec.get(fd) ? 1 : 0;
        }
        return new State(fds, files, flags);
    }

    static final Restorer<State, FdTable> RESTORER =
            new Restorer<>() {
                @Override
                public FdTable create(State state, RestoreContext context) {
                    FdTable table = new FdTable();
                    table.users.set(0);
                    return table;
                }

                @Override
                public void link(FdTable table, State state, RestoreContext context) {
                    table.restore(state, context);
                }
            };

    private void restore(State state, RestoreContext context) {
        mu.lock();
        try {
            for (int i = 0; i < state.fds.length; i++) {
                int fd = state.fds[i];
                if (fd < 0 || fd >= MAX_FDS) {
                    throw new ImageException("a descriptor table is damaged");
                }
                growLocked(fd);
                used.set(fd);
                closeOnExec.set(fd, state.cloexec[i] != 0);
                slots.set(
                        fd, context.get(state.files[i], FileDescription.class).restoreReference());
            }
        } finally {
            mu.unlock();
        }
    }
}
