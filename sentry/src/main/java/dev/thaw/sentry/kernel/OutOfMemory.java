package dev.thaw.sentry.kernel;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Chooses whom to end when memory is short. */
final class OutOfMemory {
    /** The process with the most resident memory, or null when none has any. */
    static @Nullable ThreadGroup choose(List<ThreadGroup> groups) {
        ThreadGroup worst = null;
        long most = -1;
        for (ThreadGroup group : groups) {
            if (group.isDead() || group.exiting) {
                continue;
            }
            long size = MemorySeam.residentBytes(group);
            if (size > most) {
                most = size;
                worst = group;
            }
        }
        return worst;
    }

    private OutOfMemory() {}
}
