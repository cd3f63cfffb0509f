package dev.thaw.sentry.fs.proc;

import dev.thaw.sentry.kernel.Kernel;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What {@code /proc/thaw/checkpoint} tells a program: how often its sandbox was checkpointed and restored, and when last (seconds since the epoch, 0 for never). A restored program sees its generation
 * change and knows that it may be one of many clones.
 */
public final class CheckpointNotice {
    private static final Map<Kernel, CheckpointNotice> ALL = new WeakHashMap<>();
    private static final ReentrantLock MU = new ReentrantLock();

    private volatile long generation;
    private volatile long checkpointTime;
    private volatile long restoreTime;

    private CheckpointNotice() {}

    /** The notice of {@code kernel}. */
    public static CheckpointNotice of(Kernel kernel) {
        MU.lock();
        try {
            return ALL.computeIfAbsent(kernel, _ -> new CheckpointNotice());
        } finally {
            MU.unlock();
        }
    }

    /** Restores so far. */
    public long generation() {
        return generation;
    }

    /** A checkpoint was taken at {@code seconds}. */
    public void checkpointed(long seconds) {
        checkpointTime = seconds;
    }

    /** The kernel was restored at {@code seconds} from an image of generation {@code before}, taken at {@code taken}. */
    public void restored(long before, long taken, long seconds) {
        generation = before + 1;
        checkpointTime = taken;
        restoreTime = seconds;
    }

    /** When the last checkpoint was taken, in seconds since the epoch; 0 for never. */
    public long checkpointTime() {
        return checkpointTime;
    }

    byte[] text() {
        return new Text()
                .add("generation: ")
                .add(generation)
                .line()
                .add("checkpoint: ")
                .add(checkpointTime)
                .line()
                .add("restore: ")
                .add(restoreTime)
                .line()
                .bytes();
    }
}
