package dev.thaw.sentry.kernel;

import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.FsContext;
import dev.thaw.sentry.wait.Waiter;
import org.jspecify.annotations.Nullable;

/** A thread of a guest program (Linux: {@code struct task_struct}), run by one Java thread. */
public final class Task {
    public Kernel kernel() {
        throw new UnsupportedOperationException();
    }

    /** Guest memory. Absent after exit. */
    public MemoryManager mm() {
        throw new UnsupportedOperationException();
    }

    public FdTable fds() {
        throw new UnsupportedOperationException();
    }

    /** Root, working directory, umask. */
    public FsContext fs() {
        throw new UnsupportedOperationException();
    }

    /** An immutable snapshot: replace it to change it. */
    public Credentials credentials() {
        throw new UnsupportedOperationException();
    }

    public ThreadGroup threadGroup() {
        throw new UnsupportedOperationException();
    }

    /** Thread id in the task's pid namespace. */
    public int tid() {
        throw new UnsupportedOperationException();
    }

    /**
     * The task's own waiter, to put on wait queues before {@link #block}. A wake between the check of the condition and the block is not lost:
     *
     * <pre>{@code
     * queue.add(task.waiter(), POLLIN);
     * try {
     *     while (true) {
     *         task.waiter().clear();
     *         long n = tryIt();
     *         if (n != -EAGAIN) return n;
     *         int blocked = task.block(deadline);
     *         if (blocked != 0) return blocked;      // -ETIMEDOUT or -ERESTARTSYS
     *     }
     * } finally { queue.remove(task.waiter()); }
     * }</pre>
     */
    public TaskWaiter waiter() {
        throw new UnsupportedOperationException();
    }

    /**
     * Waits until the task's waiter is woken since its last {@code clear()}, or {@code deadline} (guest monotonic ns, {@link Long#MAX_VALUE} for none) is past, or the task is interrupted (signal,
     * pause, checkpoint, kill). Returns 0, {@code -ETIMEDOUT} or {@code -ERESTARTSYS}. Only on the task's thread, with no lock held.
     */
    public int block(long deadline) {
        throw new UnsupportedOperationException();
    }

    /**
     * The deadline of the current system call, {@code timeout} ns from its first start on: a call that was interrupted (for a signal without handler, a pause or a checkpoint) and is
     * made again keeps its deadline, and after a restore the time that was left. A negative timeout is none: {@link Long#MAX_VALUE}.
     */
    public long deadline(long timeout) {
        throw new UnsupportedOperationException();
    }

    /** Sends a signal that this task's own action caused (SIGPIPE, SIGXFSZ, SIGSEGV): to this thread. */
    public void sendSelf(int signal) {
        throw new UnsupportedOperationException();
    }

    /** Wakes its task. */
    public interface TaskWaiter extends Waiter {
        void clear();
    }

    /** The task that the calling Java thread runs, for logs and assertions only. */
    public static @Nullable Task current() {
        return null;
    }
}
