package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.abi.Resource;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.ResourceLimits;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.mm.MemoryManager;
import org.jspecify.annotations.Nullable;

/** {@code status}, {@code limits}, {@code comm} and other small files of a process. */
final class TaskStatus {
    /** One user namespace, all ids. */
    static final String ID_MAP = "         0          0 4294967295\n";

    private static final int CAP_SYS_RESOURCE = 24;

    static byte[] status(Subject subject, @Nullable Task reader) {
        ThreadGroup group = subject.group();
        Task task = subject.task();
        Credentials who = task.credentials();
        Text text = new Text();
        char state = TaskStat.state(subject, reader);
        text.add("Name:\t").add(Text.escape(task.name(), "\n\\")).line();
        text.add("Umask:\t").add(umask(task)).line();
        text.add("State:\t").add(state).add(stateName(state)).line();
        text.add("Tgid:\t").add(group.pid()).line().add("Ngid:\t0\n");
        text.add("Pid:\t").add(subject.id()).line();
        text.add("PPid:\t").add(group.parentPid()).line().add("TracerPid:\t0\n");
        text.add("Uid:\t")
                .add(who.uid())
                .add('\t')
                .add(who.euid())
                .add('\t')
                .add(who.suid())
                .add('\t')
                .add(who.fsuid())
                .line();
        text.add("Gid:\t")
                .add(who.gid())
                .add('\t')
                .add(who.egid())
                .add('\t')
                .add(who.sgid())
                .add('\t')
                .add(who.fsgid())
                .line();
        var fds = task.fdsOrNull();
        text.add("FDSize:\t").add(fds == null ? 0 : fds.capacity()).line();
        text.add("Groups:\t");
        for (int id : who.groups()) {
            text.add(id).add(' ');
        }
        text.line();
        text.add("NStgid:\t").add(group.pid()).line().add("NSpid:\t").add(subject.id()).line();
        text.add("NSpgid:\t")
                .add(group.processGroup())
                .line()
                .add("NSsid:\t")
                .add(group.session())
                .line();
        MemoryManager mm = task.mmOrNull();
        if (mm != null) {
            memory(text, mm);
        }
        text.add("Threads:\t").add(Math.max(1, group.tasks().length)).line();
        text.add("SigQ:\t0/").add(group.limits().max(Resource.RLIMIT_SIGPENDING)).line();
        long own = task.signals().ownPendingSet();
        set(text, "SigPnd", own);
        set(text, "ShdPnd", task.signals().pendingSet() & ~own);
        set(text, "SigBlk", task.signals().permanentMask());
        set(text, "SigIgn", TaskStat.ignored(group));
        set(text, "SigCgt", TaskStat.caught(group));
        set(text, "CapInh", who.inheritable());
        set(text, "CapPrm", who.permitted());
        set(text, "CapEff", who.effective());
        set(text, "CapBnd", who.bounding());
        set(text, "CapAmb", who.ambient());
        text.add("NoNewPrivs:\t")
                .add(task.hasNoNewPrivileges() ? 1 : 0)
                .line()
                .add("Seccomp:\t0\n")
                .add("Seccomp_filters:\t0\n");
        text.add("Speculation_Store_Bypass:\tvulnerable\n")
                .add("SpeculationIndirectBranch:\talways enabled\n");
        int cpus = SystemFiles.cpus();
        text.add("Cpus_allowed:\t").add(SystemFiles.cpuMask(cpus)).line();
        text.add("Cpus_allowed_list:\t").add(SystemFiles.cpuRange(cpus)).line();
        text.add("Mems_allowed:\t00000001\n").add("Mems_allowed_list:\t0\n");
        text.add("voluntary_ctxt_switches:\t0\n").add("nonvoluntary_ctxt_switches:\t0\n");
        return text.bytes();
    }

    private static String umask(Task task) {
        var fs = task.fsOrNull();
        int mask = fs == null ? 0x12 : fs.umask();
        String text = "000" + Integer.toOctalString(mask);
        return text.substring(text.length() - 4);
    }

    private static String stateName(char state) {
        return switch (state) {
            case 'R' -> " (running)";
            case 'T' -> " (stopped)";
            case 'Z' -> " (zombie)";
            default -> " (sleeping)";
        };
    }

    private static void memory(Text text, MemoryManager mm) {
        TaskSizes sizes = TaskSizes.of(mm);
        kb(text, "VmPeak", sizes.total());
        kb(text, "VmSize", sizes.total());
        kb(text, "VmLck", 0);
        kb(text, "VmPin", 0);
        kb(text, "VmHWM", sizes.resident());
        kb(text, "VmRSS", sizes.resident());
        kb(text, "RssAnon", sizes.resident() - sizes.residentFile());
        kb(text, "RssFile", sizes.residentFile());
        kb(text, "RssShmem", 0);
        kb(text, "VmData", sizes.data());
        kb(text, "VmStk", sizes.stack());
        kb(text, "VmExe", sizes.text());
        kb(text, "VmLib", sizes.library());
        kb(text, "VmPTE", sizes.resident() / 512 + 4);
        kb(text, "VmSwap", 0);
        kb(text, "HugetlbPages", 0);
        text.add("CoreDumping:\t0\nTHP_enabled:\t1\n");
    }

    private static void kb(Text text, String name, long value) {
        text.add(name).add(":\t").right(value, 8).add(" kB\n");
    }

    private static void set(Text text, String name, long value) {
        text.add(name).add(":\t").hex(value, 16).line();
    }

    static byte[] comm(Subject subject, @Nullable Task reader) {
        return Text.bytes(subject.task().name() + "\n");
    }

    static void setComm(Subject subject, Task writer, String text) throws ErrnoException {
        if (writer.threadGroup() != subject.group()) {
            throw errno(EINVAL);
        }
        int end = 0;
        while (end < text.length() && text.charAt(end) != 0 && text.charAt(end) != '\n') {
            end++;
        }
        subject.task().setName(text.substring(0, end));
    }

    static void refuse(Subject subject, Task writer, String text) throws ErrnoException {
        throw errno(EPERM);
    }

    static byte[] io(Subject subject, @Nullable Task reader) throws ErrnoException {
        subject.check(reader);
        return Text.bytes(
                "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
    }

    static byte[] schedstat(Subject subject, @Nullable Task reader) {
        return new Text()
                .add(subject.group().userTime() + subject.group().systemTime())
                .add(" 0 0\n")
                .bytes();
    }

    static byte[] oomScore(Subject subject, @Nullable Task reader) {
        int adjust = subject.group().oomScoreAdjust();
        return new Text().add(Math.max(0, (1000 + adjust) * 2 / 3)).line().bytes();
    }

    static byte[] oomScoreAdj(Subject subject, @Nullable Task reader) {
        return new Text().add(subject.group().oomScoreAdjust()).line().bytes();
    }

    static void setOomScoreAdj(Subject subject, Task writer, String text) throws ErrnoException {
        setAdjust(subject, writer, number(text, -1000, 1000));
    }

    static byte[] oomAdj(Subject subject, @Nullable Task reader) {
        int adjust = subject.group().oomScoreAdjust();
        return new Text().add(adjust == 1000 ? 15 : adjust * 17 / 1000).line().bytes();
    }

    static void setOomAdj(Subject subject, Task writer, String text) throws ErrnoException {
        int value = number(text, -17, 15);
        setAdjust(subject, writer, value == 15 ? 1000 : value * 1000 / 17);
    }

    private static void setAdjust(Subject subject, Task writer, int value) throws ErrnoException {
        if (value < subject.group().oomScoreAdjust()
                && !writer.credentials().has(CAP_SYS_RESOURCE)) {
            throw errno(EACCES);
        }
        subject.group().setOomScoreAdjust(value);
    }

    private static int number(String text, int min, int max) throws ErrnoException {
        try {
            int value = Integer.parseInt(text.strip());
            if (value >= min && value <= max) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw errno(EINVAL);
        }
        throw errno(EINVAL);
    }

    private static final String[][] LIMITS = {
        {"Max cpu time", "seconds"},
        {"Max file size", "bytes"},
        {"Max data size", "bytes"},
        {"Max stack size", "bytes"},
        {"Max core file size", "bytes"},
        {"Max resident set", "bytes"},
        {"Max processes", "processes"},
        {"Max open files", "files"},
        {"Max locked memory", "bytes"},
        {"Max address space", "bytes"},
        {"Max file locks", "locks"},
        {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"},
        {"Max nice priority", ""},
        {"Max realtime priority", ""},
        {"Max realtime timeout", "us"},
    };

    static byte[] limits(Subject subject, @Nullable Task reader) {
        ResourceLimits limits = subject.group().limits();
        Text text = new Text();
        text.left("Limit", 26)
                .left("Soft Limit", 21)
                .left("Hard Limit", 21)
                .left("Units", 10)
                .line();
        for (int i = 0; i < LIMITS.length; i++) {
            text.left(LIMITS[i][0], 26)
                    .left(limit(limits.soft(i)), 21)
                    .left(limit(limits.hard(i)), 21)
                    .left(LIMITS[i][1], 10)
                    .line();
        }
        return text.bytes();
    }

    private static String limit(long value) {
        return value == ResourceLimits.INFINITY ? "unlimited" : Long.toUnsignedString(value);
    }

    private TaskStatus() {}
}
