package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.pipe.Pipe;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.KernelVersion;
import dev.thaw.sentry.kernel.Lineage;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.kernel.TaskSet;
import dev.thaw.sentry.vfs.SyntheticDirectory;
import dev.thaw.sentry.vfs.SyntheticFile;
import java.nio.charset.StandardCharsets;

/** {@code /proc/sys}: the settings that programs read. Those of the host name may be written. */
final class SysctlTree {
    private static final int CAP_SYS_ADMIN = 21;
    private static final int HOST_NAME_MAX = 64;
    private static final int DIRECTORY = 0x16d;
    private static final int READ = 0x124;
    private static final int WRITE = 0x1a4;

    private final ProcFilesystem fs;
    private final Kernel kernel;

    private SysctlTree(ProcFilesystem fs, Kernel kernel) {
        this.fs = fs;
        this.kernel = kernel;
    }

    static SyntheticDirectory make(ProcFilesystem fs, Kernel kernel) {
        return new SysctlTree(fs, kernel).root();
    }

    private SyntheticDirectory root() {
        SyntheticDirectory root = directory();
        root.add("kernel", kernelDirectory()).add("vm", vm()).add("fs", files()).add("net", net());
        return root;
    }

    private SyntheticDirectory directory() {
        return new SyntheticDirectory(fs, DIRECTORY);
    }

    private SyntheticDirectory kernelDirectory() {
        SyntheticDirectory directory = directory();
        directory.add("hostname", new Name(() -> kernel.hostname(), kernel::setHostname));
        directory.add("domainname", new Name(() -> kernel.domainName(), kernel::setDomainName));
        value(directory, "ostype", KernelVersion.NAME);
        value(directory, "osrelease", KernelVersion.RELEASE);
        value(directory, "version", KernelVersion.VERSION);
        value(directory, "pid_max", Integer.toString(TaskSet.PID_MAX));
        value(directory, "threads-max", "32768");
        value(directory, "cap_last_cap", "40");
        value(directory, "ngroups_max", "65536");
        value(directory, "overflowuid", "65534");
        value(directory, "overflowgid", "65534");
        value(directory, "randomize_va_space", "2");
        value(directory, "core_pattern", "core");
        value(directory, "core_uses_pid", "0");
        value(directory, "core_pipe_limit", "0");
        value(directory, "dmesg_restrict", "1");
        value(directory, "kptr_restrict", "1");
        value(directory, "perf_event_paranoid", "4");
        value(directory, "yama_ptrace_scope", "1");
        value(directory, "shmmax", "18446744073692774399");
        value(directory, "shmall", "18446744073692774399");
        value(directory, "shmmni", "4096");
        value(directory, "sem", "32000\t1024000000\t500\t32000");
        value(directory, "msgmax", "8192");
        value(directory, "msgmnb", "16384");
        value(directory, "msgmni", "32000");
        value(directory, "sched_child_runs_first", "0");
        value(directory, "tainted", "0");
        value(directory, "unprivileged_bpf_disabled", "2");
        SyntheticDirectory random = directory();
        BootId bootId = BootId.of(kernel);
        random.add("boot_id", new SyntheticFile(fs, READ, _ -> Text.bytes(bootId.text() + "\n")));
        random.add(
                "uuid", new SyntheticFile(fs, READ, _ -> Text.bytes(Lineage.newId(kernel) + "\n")));
        value(random, "entropy_avail", "256");
        value(random, "poolsize", "256");
        directory.add("random", random);
        return directory;
    }

    private SyntheticDirectory vm() {
        SyntheticDirectory directory = directory();
        value(directory, "overcommit_memory", "0");
        value(directory, "overcommit_ratio", "50");
        value(directory, "max_map_count", "65530");
        value(directory, "mmap_min_addr", "65536");
        value(directory, "nr_hugepages", "0");
        value(directory, "swappiness", "60");
        value(directory, "dirty_ratio", "20");
        value(directory, "drop_caches", "0");
        return directory;
    }

    private SyntheticDirectory files() {
        SyntheticDirectory directory = directory();
        value(directory, "file-max", "9223372036854775807");
        value(directory, "file-nr", "0\t0\t9223372036854775807");
        value(directory, "nr_open", "1048576");
        value(directory, "pipe-max-size", Integer.toString(Pipe.MAX_CAPACITY));
        value(directory, "pipe-user-pages-soft", "16384");
        value(directory, "pipe-user-pages-hard", "0");
        value(directory, "aio-max-nr", "65536");
        value(directory, "protected_hardlinks", "1");
        value(directory, "protected_symlinks", "1");
        value(directory, "suid_dumpable", "0");
        SyntheticDirectory inotify = directory();
        value(inotify, "max_user_instances", "128");
        value(inotify, "max_user_watches", "65536");
        value(inotify, "max_queued_events", "16384");
        directory.add("inotify", inotify);
        SyntheticDirectory queues = directory();
        value(queues, "msg_max", "10");
        value(queues, "msgsize_max", "8192");
        directory.add("mqueue", queues);
        return directory;
    }

    private SyntheticDirectory net() {
        SyntheticDirectory core = directory();
        value(core, "somaxconn", "4096");
        value(core, "rmem_default", "212992");
        value(core, "rmem_max", "212992");
        value(core, "wmem_default", "212992");
        value(core, "wmem_max", "212992");
        SyntheticDirectory unix = directory();
        value(unix, "max_dgram_qlen", "512");
        SyntheticDirectory ipv4 = directory();
        value(ipv4, "ip_local_port_range", "32768\t60999");
        value(ipv4, "tcp_fin_timeout", "60");
        value(ipv4, "ip_unprivileged_port_start", "1024");
        return directory().add("core", core).add("unix", unix).add("ipv4", ipv4);
    }

    private void value(SyntheticDirectory directory, String name, String text) {
        directory.add(name, new SyntheticFile(fs, READ, _ -> Text.bytes(text + "\n")));
    }

    /** A name that the administrator may set. */
    private final class Name extends SyntheticFile {
        private final java.util.function.Consumer<String> setter;

        Name(
                java.util.function.Supplier<String> getter,
                java.util.function.Consumer<String> setter) {
            super(SysctlTree.this.fs, WRITE, _ -> Text.bytes(getter.get() + "\n"));
            this.setter = setter;
        }

        @Override
        public long write(Task task, byte[] bytes, long offset) throws ErrnoException {
            if (!task.credentials().has(CAP_SYS_ADMIN)) {
                throw errno(EPERM);
            }
            String text = new String(bytes, StandardCharsets.ISO_8859_1).strip();
            if (text.length() > HOST_NAME_MAX) {
                throw errno(EINVAL);
            }
            setter.accept(text);
            return bytes.length;
        }
    }
}
