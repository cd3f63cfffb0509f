package dev.thaw.sentry.kernel;

import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.signal.AlternateStack;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.FsContext;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.util.List;

/** What a checkpoint keeps of a task: at its safe point everything is in registers and fields. {@code pendingCall} is the restart code of an interrupted call, {@code timeLeft} what is left of its time or -1, {@code progress} the bytes it has moved. */
@StateType(id = 0x0102, version = 1)
public record TaskState(
        int kernel,
        int group,
        int tid,
        String name,
        int mm,
        int fds,
        int fs,
        CredentialsState credentials,
        long[] registers,
        byte[] fp,
        int pendingCall,
        long timeLeft,
        long progress,
        long mask,
        AlternateStack alternateStack,
        List<SignalInfo.State> pending,
        long clearChildTid,
        long robustList,
        int exitSignal,
        int exitStatus,
        int parentDeathSignal,
        boolean noNewPrivileges,
        boolean keepCapabilities,
        int secureBits,
        boolean dead,
        boolean started,
        int vforkParent,
        boolean waitsForVfork,
        long userTime,
        long systemTime) {

    /** {@link Credentials} in a form that an image may hold. */
    @StateType(id = 0x0103, version = 1)
    public record CredentialsState(int[] ids, int[] groups, long[] capabilities) {
        static CredentialsState of(Credentials c) {
            return new CredentialsState(
                    new int[] {
                        c.uid(), c.euid(), c.suid(), c.fsuid(), c.gid(), c.egid(), c.sgid(),
                        c.fsgid()
                    },
                    c.groups().clone(),
                    new long[] {
                        c.permitted(), c.effective(), c.inheritable(), c.bounding(), c.ambient()
                    });
        }

        Credentials toCredentials() {
            int[] i = java.util.Arrays.copyOf(ids, 8);
            long[] c = java.util.Arrays.copyOf(capabilities, 5);
            return new Credentials(
                    i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], groups, c[0], c[1], c[2], c[3],
                    c[4]);
        }
    }

    static TaskState save(Task task, SaveContext context) {
        long[] words = new long[dev.thaw.platform.Registers.WORDS];
        task.registers().toWords(words);
        TaskSignals signals = task.signals();
        return new TaskState(
                context.ref(task.kernel()),
                context.ref(task.threadGroup()),
                task.tid(),
                task.name(),
                context.ref(task.mmOrNull()),
                context.ref(task.fdsOrNull()),
                context.ref(task.fsOrNull()),
                CredentialsState.of(task.credentials()),
                words,
                task.runLoop.keptFp(),
                task.runLoop.restartCode,
                task.runLoop.timeLeft(task.kernel().clock().monotonic()),
                task.runLoop.restartCode == 0 ? 0 : task.runLoop.callProgress,
                signals.permanentMask(),
                signals.alternateStack(),
                signals.pending.save(),
                task.clearChildTid,
                task.robustList,
                task.exitSignal,
                task.exitStatus,
                task.parentDeathSignal,
                task.noNewPrivileges,
                task.keepCapabilities,
                task.secureBits,
                task.dead,
                task.started || task.restored,
                context.ref(task.vforkParent),
                task.waitsForVfork,
                task.userTime.get(),
                task.systemTime.get());
    }

    static final Restorer<TaskState, Task> RESTORER =
            new Restorer<>() {
                @Override
                public Task create(TaskState s, RestoreContext context) {
                    return new Task(
                            context.service(Kernel.class), s.tid, s.credentials.toCredentials());
                }

                @Override
                public void link(Task task, TaskState s, RestoreContext context) {
                    task.setThreadGroup(context.get(s.group, ThreadGroup.class));
                    task.setName(s.name);
                    MemoryManager mm = context.getOrNull(s.mm, MemoryManager.class);
                    task.setMm(mm == null ? null : mm.acquire());
                    FdTable fds = context.getOrNull(s.fds, FdTable.class);
                    task.setFds(fds == null ? null : fds.acquire());
                    task.setFs(context.getOrNull(s.fs, FsContext.class));
                    task.registers()
                            .fromWords(
                                    java.util.Arrays.copyOf(
                                            s.registers, dev.thaw.platform.Registers.WORDS));
                    task.runLoop.restore(s.pendingCall, s.timeLeft, s.progress, s.fp);
                    task.signals().restore(s.mask, s.alternateStack);
                    task.signals().pending.restore(s.pending);
                    task.clearChildTid = s.clearChildTid;
                    task.robustList = s.robustList;
                    task.exitSignal = s.exitSignal;
                    task.exitStatus = s.exitStatus;
                    task.parentDeathSignal = s.parentDeathSignal;
                    task.noNewPrivileges = s.noNewPrivileges;
                    task.keepCapabilities = s.keepCapabilities;
                    task.secureBits = s.secureBits;
                    task.dead = s.dead;
                    task.restored = !s.dead && s.started;
                    task.vforkParent = context.getOrNull(s.vforkParent, Task.class);
                    task.waitsForVfork = s.waitsForVfork;
                    task.userTime.set(s.userTime);
                    task.systemTime.set(s.systemTime);
                }
            };
}
