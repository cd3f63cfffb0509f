package dev.thaw.sentry.kernel;

import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All tasks and processes of a kernel by id (Linux: a pid namespace and tasklist_lock). Its one lock guards the process tree, sessions, group membership, pending signals and job control; it is held
 * briefly and no memory of the guest is touched under it.
 */
public final class TaskSet {
    /** {@code /proc/sys/kernel/pid_max}. */
    public static final int PID_MAX = 32_768;

    private final KernelLock mu = new KernelLock(LockClass.TASK_SET);

    /** Live tasks, and dead leaders of processes that still have an id. */
    private final Map<Integer, Task> tasks = new HashMap<>();

    private final TreeMap<Integer, ThreadGroup> groups = new TreeMap<>();
    int lastId;

    KernelLock lock() {
        return mu;
    }

    /** The task with this id, or null. */
    public @Nullable Task task(int tid) {
        mu.lock();
        try {
            return tasks.get(tid);
        } finally {
            mu.unlock();
        }
    }

    /** The process with this id (zombies too), or null. */
    public @Nullable ThreadGroup group(int pid) {
        mu.lock();
        try {
            return groups.get(pid);
        } finally {
            mu.unlock();
        }
    }

    /** All processes in pid order, zombies too. */
    public List<ThreadGroup> groups() {
        mu.lock();
        try {
            return new ArrayList<>(groups.values());
        } finally {
            mu.unlock();
        }
    }

    /** Number of task ids in use. */
    public int size() {
        mu.lock();
        try {
            return tasks.size();
        } finally {
            mu.unlock();
        }
    }

    /** The last id given out. */
    public int lastId() {
        return lastId;
    }

    @Nullable Task taskLocked(int tid) {
        return tasks.get(tid);
    }

    @Nullable ThreadGroup groupLocked(int pid) {
        return groups.get(pid);
    }

    Iterable<ThreadGroup> groupsLocked() {
        return groups.values();
    }

    int sizeLocked() {
        return tasks.size();
    }

    /** A free id: not a task's, nor a process group's or session's that lives on. Returns 0 when there is none. */
    int allocateIdLocked() {
        int id = lastId;
        for (int i = 0; i < PID_MAX; i++) {
            id = id + 1 >= PID_MAX ? (lastId < 300 ? 2 : 300) : id + 1;
            if (!tasks.containsKey(id) && !groups.containsKey(id) && !inUseAsGroup(id)) {
                lastId = id;
                return id;
            }
        }
        return 0;
    }

    void putTaskLocked(int tid, Task task) {
        tasks.put(tid, task);
    }

    void removeTaskLocked(int tid) {
        tasks.remove(tid);
    }

    void putGroupLocked(ThreadGroup group) {
        groups.put(group.pid(), group);
    }

    /** Forgets a process that was waited for. */
    void removeGroupLocked(ThreadGroup group) {
        groups.remove(group.pid());
        tasks.remove(group.pid());
    }

    /** Puts a restored process back. */
    void restore(ThreadGroup group) {
        mu.lock();
        try {
            groups.put(group.pid(), group);
            tasks.put(group.pid(), group.leader());
            for (Task task : group.tasks) {
                tasks.put(task.tid(), task);
            }
        } finally {
            mu.unlock();
        }
    }

    private boolean inUseAsGroup(int id) {
        for (ThreadGroup group : groups.values()) {
            if (group.processGroup == id || group.session == id) {
                return true;
            }
        }
        return false;
    }
}
