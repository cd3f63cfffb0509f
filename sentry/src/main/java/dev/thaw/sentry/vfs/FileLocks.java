package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Fcntl.F_RDLCK;
import static dev.thaw.abi.Fcntl.F_UNLCK;
import static dev.thaw.abi.Poll.POLLIN;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The advisory locks of one file (Linux: {@code struct file_lock_context}): POSIX locks owned by a descriptor table, open-file-description locks and flock(2) locks owned by a description. The latter two kinds do not see each
 * other; POSIX and open-file-description locks do.
 */
public final class FileLocks implements Saveable {
    /** One lock of bytes {@code start … end} (inclusive). {@code type} is F_RDLCK or F_WRLCK; {@code pid} is -1 for description locks. */
    public record Lock(Saveable owner, boolean flock, int pid, int type, long start, long end) {
        private boolean conflicts(Lock other) {
            return flock == other.flock
                    && owner != other.owner
                    && start <= other.end
                    && other.start <= end
                    && (type != F_RDLCK || other.type != F_RDLCK);
        }
    }

    private final KernelLock mu = new KernelLock(LockClass.FILE);
    private final WaitQueue unlocked = new WaitQueue();

    @GuardedBy("mu")
    private final ArrayList<Lock> locks = new ArrayList<>();

    /** Woken with POLLIN when a lock is given up. */
    public WaitQueue waitQueue() {
        return unlocked;
    }

    /** The first lock in the way of {@code wanted}, or null. */
    public @Nullable Lock conflict(Lock wanted) {
        mu.lock();
        try {
            return conflictLocked(wanted);
        } finally {
            mu.unlock();
        }
    }

    @GuardedBy("mu")
    private @Nullable Lock conflictLocked(Lock wanted) {
        for (Lock lock : locks) {
            if (lock.conflicts(wanted)) {
                return lock;
            }
        }
        return null;
    }

    /** Takes, changes or (type F_UNLCK) gives up a lock. Returns 0, or {@code -EAGAIN} when another is in the way. */
    public long set(Lock wanted) {
        mu.lock();
        try {
            if (wanted.type != F_UNLCK && conflictLocked(wanted) != null) {
                return -EAGAIN;
            }
            cutLocked(wanted);
            if (wanted.type != F_UNLCK) {
                insertLocked(wanted);
            }
        } finally {
            mu.unlock();
        }
        unlocked.notify(POLLIN);
        return 0;
    }

    /** Takes {@code range} out of its owner's locks. */
    @GuardedBy("mu")
    private void cutLocked(Lock range) {
        for (int i = locks.size() - 1; i >= 0; i--) {
            Lock lock = locks.get(i);
            if (lock.owner != range.owner
                    || lock.flock != range.flock
                    || lock.start > range.end
                    || range.start > lock.end) {
                continue;
            }
            locks.remove(i);
            if (lock.start < range.start) {
                locks.add(
                        new Lock(
                                lock.owner,
                                lock.flock,
                                lock.pid,
                                lock.type,
                                lock.start,
                                range.start - 1));
            }
            if (lock.end > range.end) {
                locks.add(
                        new Lock(
                                lock.owner,
                                lock.flock,
                                lock.pid,
                                lock.type,
                                range.end + 1,
                                lock.end));
            }
        }
    }

    /** Adds {@code lock}, joined with the same owner's adjacent locks of its type. */
    @GuardedBy("mu")
    private void insertLocked(Lock lock) {
        long start = lock.start;
        long end = lock.end;
        for (int i = locks.size() - 1; i >= 0; i--) {
            Lock other = locks.get(i);
            if (other.owner == lock.owner && other.flock == lock.flock && other.type == lock.type) {
                if (other.end + 1 == start && other.end != Long.MAX_VALUE) {
                    start = other.start;
                    locks.remove(i);
                } else if (end != Long.MAX_VALUE && end + 1 == other.start) {
                    end = other.end;
                    locks.remove(i);
                }
            }
        }
        locks.add(new Lock(lock.owner, lock.flock, lock.pid, lock.type, start, end));
    }

    /** Gives up every lock of {@code owner}: a descriptor table that closed the file, or a description that is released. */
    public void releaseOwner(Saveable owner) {
        boolean any;
        mu.lock();
        try {
            any = locks.removeIf(lock -> lock.owner == owner);
        } finally {
            mu.unlock();
        }
        if (any) {
            unlocked.notify(POLLIN);
        }
    }

    /** All locks, for /proc/locks. */
    public List<Lock> snapshot() {
        mu.lock();
        try {
            return List.copyOf(locks);
        } finally {
            mu.unlock();
        }
    }

    /** One lock in an image. */
    @StateType(id = 0x030c)
    public record LockState(int owner, boolean flock, int pid, int type, long start, long end) {}

    /** What a checkpoint keeps. */
    @StateType(id = 0x030d)
    public record State(List<LockState> locks) {}

    @Override
    public Record save(SaveContext context) {
        ArrayList<LockState> states = new ArrayList<>();
        for (Lock l : snapshot()) {
            states.add(new LockState(context.ref(l.owner), l.flock, l.pid, l.type, l.start, l.end));
        }
        return new State(states);
    }

    static final Restorer<State, FileLocks> RESTORER =
            new Restorer<>() {
                @Override
                public FileLocks create(State state, RestoreContext context) {
                    return new FileLocks();
                }

                @Override
                public void link(FileLocks locks, State state, RestoreContext context) {
                    for (LockState l : state.locks) {
                        Saveable owner = context.get(l.owner, Saveable.class);
                        locks.set(new Lock(owner, l.flock, l.pid, l.type, l.start, l.end));
                    }
                }
            };
}
