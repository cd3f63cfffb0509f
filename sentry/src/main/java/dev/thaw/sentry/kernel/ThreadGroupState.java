package dev.thaw.sentry.kernel;

import dev.thaw.sentry.signal.SignalHandlers;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.time.TimeStates;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;

/** What a checkpoint keeps of a process, zombies too. {@code tasks} are the live ones in order, {@code children} processes. */
@StateType(id = 0x0101, version = 2)
public record ThreadGroupState(
        int kernel,
        int pid,
        int handlers,
        long[] limits,
        List<Integer> tasks,
        int leader,
        int parent,
        List<Integer> children,
        List<SignalInfo.State> pending,
        TimeStates.ProcessTimersState timers,
        long startTime,
        int processGroup,
        int session,
        int exitSignal,
        int exitStatus,
        boolean exiting,
        boolean dead,
        boolean subreaper,
        boolean dumpable,
        boolean hasExeced,
        int nice,
        int oomScoreAdjust,
        boolean unkillable,
        boolean stopping,
        boolean stopped,
        int stopSignal,
        boolean stopReported,
        boolean continueReported,
        boolean renewRandom,
        long[] times) {

    static ThreadGroupState save(ThreadGroup g, SaveContext context) {
        List<Integer> tasks = new ArrayList<>();
        for (Task task : g.tasks) {
            tasks.add(context.ref(task));
        }
        List<Integer> children = new ArrayList<>();
        for (ThreadGroup child : g.children) {
            children.add(context.ref(child));
        }
        return new ThreadGroupState(
                context.ref(g.kernel()),
                g.pid(),
                context.ref(g.handlers),
                g.limits.save(),
                tasks,
                context.ref(g.leader()),
                context.ref(g.parent),
                children,
                g.pending.save(),
                g.timers.save(),
                g.startTime,
                g.processGroup,
                g.session,
                g.exitSignal,
                g.exitStatus,
                g.exiting,
                g.dead,
                g.subreaper,
                g.dumpable,
                g.hasExeced,
                g.nice,
                g.oomScoreAdjust,
                g.unkillable,
                g.stopping,
                g.stopped,
                g.stopSignal,
                g.stopReported,
                g.continueReported,
                g.renewRandom,
                new long[] {g.deadUserTime, g.deadSystemTime, g.childUserTime, g.childSystemTime});
    }

    static final Restorer<ThreadGroupState, ThreadGroup> RESTORER =
            new Restorer<>() {
                @Override
                public ThreadGroup create(ThreadGroupState s, RestoreContext context) {
                    ResourceLimits limits = new ResourceLimits();
                    limits.restore(s.limits);
                    return new ThreadGroup(
                            context.service(Kernel.class),
                            s.pid,
                            new SignalHandlers(),
                            limits,
                            s.startTime);
                }

                @Override
                public void link(ThreadGroup g, ThreadGroupState s, RestoreContext context) {
                    g.handlers = context.get(s.handlers, SignalHandlers.class);
                    g.leader = context.get(s.leader, Task.class);
                    g.parent = context.getOrNull(s.parent, ThreadGroup.class);
                    for (int task : s.tasks) {
                        g.addTaskLocked(context.get(task, Task.class));
                    }
                    for (int child : s.children) {
                        g.children.add(context.get(child, ThreadGroup.class));
                    }
                    g.pending.restore(s.pending);
                    g.processGroup = s.processGroup;
                    g.session = s.session;
                    g.exitSignal = s.exitSignal;
                    g.exitStatus = s.exitStatus;
                    g.exiting = s.exiting;
                    g.dead = s.dead;
                    g.subreaper = s.subreaper;
                    g.dumpable = s.dumpable;
                    g.hasExeced = s.hasExeced;
                    g.nice = s.nice;
                    g.oomScoreAdjust = s.oomScoreAdjust;
                    g.unkillable = s.unkillable;
                    g.stopping = s.stopping;
                    g.stopped = s.stopped;
                    g.stopSignal = s.stopSignal;
                    g.renewRandom = s.renewRandom;
                    g.stopReported = s.stopReported;
                    g.continueReported = s.continueReported;
                    long[] times = java.util.Arrays.copyOf(s.times, 4);
                    g.deadUserTime = times[0];
                    g.deadSystemTime = times[1];
                    g.childUserTime = times[2];
                    g.childSystemTime = times[3];
                    context.afterLink(() -> afterLink(g, s));
                }
            };

    /** Timers run again, and the tasks' work bits follow from what is pending and stopped. */
    private static void afterLink(ThreadGroup g, ThreadGroupState s) {
        if (!g.dead) {
            g.timers.restore(s.timers);
        }
        for (Task task : g.tasks) {
            task.signals().recalculateLocked();
            if (g.stopping || g.stopped) {
                task.addWork(Task.WORK_STOP);
            }
            if (g.exiting) {
                task.addWork(Task.WORK_KILL);
            }
            task.addWork(Task.WORK_PAUSE);
        }
    }
}
