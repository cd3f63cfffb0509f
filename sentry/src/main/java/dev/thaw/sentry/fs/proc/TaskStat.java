package dev.thaw.sentry.fs.proc;

import dev.thaw.abi.Resource;
import dev.thaw.abi.Signals;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.mm.ExecLayout;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.signal.SignalAction;
import org.jspecify.annotations.Nullable;

/** {@code /proc/[pid]/stat} and {@code statm}: one line of numbers each, as proc(5) counts them. */
final class TaskStat {
    private static final long TICK = 10_000_000;
    private static final int PF_RANDOMIZE = 0x400000;

    static byte[] stat(Subject subject, @Nullable Task reader) {
        ThreadGroup group = subject.group();
        Task task = subject.task();
        MemoryManager mm = task.mmOrNull();
        ExecLayout layout = mm != null && subject.permits(reader) ? mm.execLayout() : null;
        Text text = new Text();
        text.add(subject.id()).add(" (").add(task.name()).add(") ").add(state(subject, reader));
        text.add(' ')
                .add(group.parentPid())
                .add(' ')
                .add(group.processGroup())
                .add(' ')
                .add(group.session());
        text.add(" 0 -1 ").add(PF_RANDOMIZE).add(" 0 0 0 0");
        long user = subject.thread() == null ? group.userTime() : task.userNanos();
        long system = subject.thread() == null ? group.systemTime() : task.systemNanos();
        text.add(' ').add(user / TICK).add(' ').add(system / TICK);
        text.add(' ')
                .add(group.childUserTime() / TICK)
                .add(' ')
                .add(group.childSystemTime() / TICK);
        text.add(' ')
                .add(20 + group.nice())
                .add(' ')
                .add(group.nice())
                .add(' ')
                .add(Math.max(1, group.tasks().length))
                .add(" 0 ")
                .add(group.startTime() / TICK);
        text.add(' ')
                .add(mm == null ? 0 : mm.totalBytes())
                .add(' ')
                .add(mm == null ? 0 : mm.advice().residentBytes() / 4096);
        text.add(' ').add(Long.toUnsignedString(group.limits().soft(Resource.RLIMIT_RSS)));
        text.add(' ')
                .add(layout == null ? 0 : layout.codeStart())
                .add(' ')
                .add(layout == null ? 0 : layout.codeEnd())
                .add(' ')
                .add(layout == null ? 0 : layout.stackStart());
        text.add(" 0 0 ")
                .add(task.signals().ownPendingSet() & 0x7fffffffL)
                .add(' ')
                .add(task.signals().permanentMask() & 0x7fffffffL);
        text.add(' ').add(ignored(group) & 0x7fffffffL).add(' ').add(caught(group) & 0x7fffffffL);
        text.add(" 0 0 0 ").add(Signals.SIGCHLD).add(" 0 0 0 0 0 0");
        if (layout == null) {
            text.add(" 0 0 0 0 0 0 0");
        } else {
            text.add(' ')
                    .add(layout.dataStart())
                    .add(' ')
                    .add(layout.dataEnd())
                    .add(' ')
                    .add(layout.dataEnd());
            text.add(' ')
                    .add(layout.argStart())
                    .add(' ')
                    .add(layout.argEnd())
                    .add(' ')
                    .add(layout.envStart())
                    .add(' ')
                    .add(layout.envEnd());
        }
        return text.add(" 0\n").bytes();
    }

    /** R, S, T or Z. */
    static char state(Subject subject, @Nullable Task reader) {
        if (subject.group().isDead()) {
            return 'Z';
        }
        if (subject.group().isStopped()) {
            return 'T';
        }
        Task task = subject.task();
        return task == reader || !task.isWaiting() ? 'R' : 'S';
    }

    static long ignored(ThreadGroup group) {
        return handled(group, true);
    }

    static long caught(ThreadGroup group) {
        return handled(group, false);
    }

    private static long handled(ThreadGroup group, boolean ignored) {
        long set = 0;
        for (int signal = 1; signal <= Signals.SIGRTMAX; signal++) {
            SignalAction action = group.handlers().get(signal);
            if (ignored ? action.isIgnore() : !action.isIgnore() && !action.isDefault()) {
                set |= 1L << signal - 1;
            }
        }
        return set;
    }

    static byte[] statm(Subject subject, @Nullable Task reader) {
        MemoryManager mm = subject.task().mmOrNull();
        if (mm == null) {
            return Text.bytes("0 0 0 0 0 0 0\n");
        }
        TaskSizes sizes = TaskSizes.of(mm);
        Text text = new Text();
        text.add(sizes.total() / 4)
                .add(' ')
                .add(sizes.resident() / 4)
                .add(' ')
                .add(sizes.residentFile() / 4)
                .add(' ');
        text.add(sizes.text() / 4).add(" 0 ").add((sizes.data() + sizes.stack()) / 4).add(" 0\n");
        return text.bytes();
    }

    private TaskStat() {}
}
