package dev.thaw.sentry.fs.proc;

import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.KernelVersion;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.ThreadGroup;
import org.jspecify.annotations.Nullable;

/** The files of {@code /proc} about the machine as a whole, in Linux's own formats. */
final class SystemFiles {
    static final String FILESYSTEMS =
            "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tpipefs\nnodev\tsockfs\nnodev\toverlay\nnodev\tdevpts\n";
    static final String DEVICES =
            "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n";

    private static final long TICK = 10_000_000;

    private final Kernel kernel;
    private final CpuInfo cpuInfo = CpuInfo.read();

    SystemFiles(Kernel kernel) {
        this.kernel = kernel;
    }

    /** CPUs that a guest sees. */
    static int cpus() {
        return Runtime.getRuntime().availableProcessors();
    }

    /** {@code 0-3}. */
    static String cpuRange(int cpus) {
        return cpus == 1 ? "0" : "0-" + (cpus - 1);
    }

    /** Words of 32 bits, comma between. */
    static String cpuMask(int cpus) {
        StringBuilder mask = new StringBuilder();
        for (int left = cpus; left > 0; left -= 32) {
            int word = left >= 32 ? -1 : (1 << left) - 1;
            String text = Integer.toHexString(word);
            mask.insert(0, mask.isEmpty() ? text : text + ",");
        }
        return mask.toString();
    }

    byte[] meminfo(@Nullable Task reader) {
        MemoryTotals memory = MemoryTotals.of(kernel);
        Text text = new Text();
        kb(text, "MemTotal", memory.total());
        kb(text, "MemFree", memory.free());
        kb(text, "MemAvailable", memory.free());
        kb(text, "Buffers", 0);
        kb(text, "Cached", 0);
        kb(text, "SwapCached", 0);
        kb(text, "Active", memory.used());
        kb(text, "Inactive", 0);
        kb(text, "Active(anon)", memory.used());
        kb(text, "Inactive(anon)", 0);
        for (String name :
                new String[] {
                    "Active(file)",
                    "Inactive(file)",
                    "Unevictable",
                    "Mlocked",
                    "SwapTotal",
                    "SwapFree",
                    "Dirty",
                    "Writeback"
                }) {
            kb(text, name, 0);
        }
        kb(text, "AnonPages", memory.used());
        for (String name :
                new String[] {
                    "Mapped",
                    "Shmem",
                    "KReclaimable",
                    "Slab",
                    "SReclaimable",
                    "SUnreclaim",
                    "KernelStack",
                    "PageTables",
                    "NFS_Unstable",
                    "Bounce",
                    "WritebackTmp"
                }) {
            kb(text, name, 0);
        }
        kb(text, "CommitLimit", memory.total());
        kb(text, "Committed_AS", memory.used());
        kb(text, "VmallocTotal", 34359738367L * 1024);
        kb(text, "VmallocUsed", 0);
        kb(text, "VmallocChunk", 0);
        kb(text, "AnonHugePages", 0);
        kb(text, "ShmemHugePages", 0);
        text.add(
                "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\nHugepagesize:       2048 kB\n");
        return text.bytes();
    }

    private static void kb(Text text, String name, long bytes) {
        text.left(name + ":", 16).right(bytes / 1024, 8).add(" kB\n");
    }

    byte[] cpuinfo(@Nullable Task reader) {
        return cpuInfo.text(cpus());
    }

    /** CPU times are those of the guest's processes; they are booked for the first CPUs evenly. */
    byte[] stat(@Nullable Task reader) {
        long user = 0;
        long system = 0;
        int running = 0;
        for (ThreadGroup group : kernel.tasks().groups()) {
            user += group.userTime();
            system += group.systemTime();
            for (Task task : group.tasks()) {
                running += task.isWaiting() ? 0 : 1;
            }
        }
        int cpus = cpus();
        long uptime = kernel.clock().boottime();
        long idle = Math.max(0, uptime * cpus - user - system);
        Text text = new Text();
        cpu(text, "cpu ", user, system, idle);
        for (int i = 0; i < cpus; i++) {
            cpu(text, "cpu" + i, user / cpus, system / cpus, idle / cpus);
        }
        text.add("intr 0\nctxt 0\nbtime ")
                .add((kernel.clock().realtime() - uptime) / 1_000_000_000L)
                .line();
        text.add("processes ")
                .add(kernel.tasks().lastId())
                .add("\nprocs_running ")
                .add(Math.max(1, running))
                .add("\nprocs_blocked 0\n");
        return text.add("softirq 0 0 0 0 0 0 0 0 0 0 0\n").bytes();
    }

    private static void cpu(Text text, String name, long user, long system, long idle) {
        text.add(name)
                .add(' ')
                .add(user / TICK)
                .add(" 0 ")
                .add(system / TICK)
                .add(' ')
                .add(idle / TICK)
                .add(" 0 0 0 0 0 0\n");
    }

    byte[] uptime(@Nullable Task reader) {
        long uptime = kernel.clock().boottime();
        long busy = 0;
        for (ThreadGroup group : kernel.tasks().groups()) {
            busy += group.userTime() + group.systemTime();
        }
        return new Text()
                .seconds(uptime)
                .add(' ')
                .seconds(Math.max(0, uptime * cpus() - busy))
                .line()
                .bytes();
    }

    byte[] loadavg(@Nullable Task reader) {
        return new Text()
                .add("0.00 0.00 0.00 1/")
                .add(kernel.tasks().size())
                .add(' ')
                .add(kernel.tasks().lastId())
                .line()
                .bytes();
    }

    byte[] version(@Nullable Task reader) {
        return Text.bytes(
                KernelVersion.NAME
                        + " version "
                        + KernelVersion.RELEASE
                        + " (thaw@localhost) (javac 25) "
                        + KernelVersion.VERSION
                        + "\n");
    }

    byte[] vmstat(@Nullable Task reader) {
        MemoryTotals memory = MemoryTotals.of(kernel);
        return new Text()
                .add("nr_free_pages ")
                .add(memory.free() / 4096)
                .add("\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\n")
                .bytes();
    }

    byte[] interrupts(@Nullable Task reader) {
        Text text = new Text().add("     ");
        for (int i = 0; i < cpus(); i++) {
            text.add("      CPU").add(i);
        }
        return text.line().bytes();
    }
}
