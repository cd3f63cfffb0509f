package dev.thaw.sentry.kernel;

import dev.thaw.abi.Auxv;
import dev.thaw.abi.Poll;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.wait.WaitQueue;
import dev.thaw.state.StateType;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/**
 * What a program can know of its own past (design D8): how often its line was restored, who it is now and was before, when. A clone is told apart from its siblings by {@link #id}, which each
 * restore draws anew. Read by {@code /proc/thaw/checkpoint}, which also takes a program's wish for a checkpoint.
 */
public final class Lineage {
    private final Kernel kernel;
    private final WaitQueue changes = new WaitQueue();
    private volatile long generation;
    private volatile String id;
    private volatile String parent = "";
    private volatile long checkpoints;
    private volatile long savedAt;
    private volatile long restoredAt;
    private volatile CompletableFuture<Boolean> wish = new CompletableFuture<>();

    Lineage(Kernel kernel) {
        this.kernel = kernel;
        this.id = newId(kernel);
    }

    /** A random UUID of version 4, from randomness that is never saved. */
    public static String newId(Kernel kernel) {
        byte[] bytes = new byte[16];
        kernel.random(bytes);
        bytes[6] = (byte) (bytes[6] & 0x0f | 0x40);
        bytes[8] = (byte) (bytes[8] & 0x3f | 0x80);
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new UUID(buffer.getLong(), buffer.getLong()).toString();
    }

    /** Restores between the first start and now. */
    public long generation() {
        return generation;
    }

    /** This life's id. */
    public String id() {
        return id;
    }

    /** The id of the life that the image was taken from; empty before the first restore. */
    public String parent() {
        return parent;
    }

    /** Checkpoints taken on the way here. */
    public long checkpoints() {
        return checkpoints;
    }

    /** When the last checkpoint was taken, in ns since the epoch; 0 for never. */
    public long savedAt() {
        return savedAt;
    }

    /** When this life began by a restore, in ns since the epoch; 0 for never. */
    public long restoredAt() {
        return restoredAt;
    }

    /** A number that grows with each checkpoint and restore. */
    public long version() {
        return generation + checkpoints;
    }

    /** Told when {@link #version} grows. */
    public WaitQueue changes() {
        return changes;
    }

    /** A program asks for a checkpoint now. */
    public void ask() {
        wish.complete(true);
    }

    /** Completed when a program has asked since the last checkpoint. */
    public CompletableFuture<Boolean> wish() {
        return wish;
    }

    /** What a checkpoint keeps: the image's own is among the checkpoints. */
    @StateType(id = 0x0104, version = 1)
    public record State(long generation, String id, long checkpoints, long savedAt) {}

    /** Counts a checkpoint and says what it keeps. The kernel is paused. */
    State save() {
        checkpoints++;
        savedAt = kernel.clock().realtime();
        wish = new CompletableFuture<>();
        changes.notify(Poll.POLLIN | Poll.POLLPRI);
        return new State(generation, id, checkpoints, savedAt);
    }

    void restore(State state) {
        generation = state.generation + 1;
        parent = state.id;
        checkpoints = state.checkpoints;
        savedAt = state.savedAt;
        restoredAt = kernel.clock().realtime();
    }

    /** Gives the processes that asked for it new AT_RANDOM bytes: what their image holds is known to every clone. */
    void renewRandom() {
        for (ThreadGroup group : kernel.tasks().groups()) {
            MemoryManager mm = group.leader().mmOrNull();
            if (!group.renewRandom || mm == null) {
                continue;
            }
            long[] auxv = mm.execLayout().auxv();
            for (int i = 0; i + 1 < auxv.length; i += 2) {
                if (auxv[i] == Auxv.AT_RANDOM) {
                    byte[] bytes = new byte[16];
                    kernel.random(bytes);
                    try {
                        mm.copyOutBytes(auxv[i + 1], bytes);
                    } catch (ErrnoException _) {
                        // The program has unmapped them: nothing is left to renew.
                    }
                }
            }
        }
    }
}
