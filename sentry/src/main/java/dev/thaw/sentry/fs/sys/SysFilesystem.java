package dev.thaw.sentry.fs.sys;

import static dev.thaw.abi.Mount.SYSFS_MAGIC;

import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.vfs.Filesystem;
import dev.thaw.sentry.vfs.FsStat;
import dev.thaw.sentry.vfs.SyntheticDirectory;
import dev.thaw.sentry.vfs.SyntheticFile;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.nio.charset.StandardCharsets;

/** A {@code sysfs} with what run times read: processors, huge pages, and empty places to mount on. Made again by a restore. */
public final class SysFilesystem extends Filesystem {
    private static final int DIRECTORY = 0x1ed;
    private static final int READ = 0x124;

    /** The kernel is not asked yet: the processors are the host's. */
    public SysFilesystem(Kernel kernel) {
        setRoot(tree());
    }

    private SysFilesystem() {}

    private SyntheticDirectory tree() {
        SyntheticDirectory root = directory();
        root.add("block", directory())
                .add("bus", directory())
                .add("class", directory().add("net", directory()));
        root.add("dev", directory()).add("firmware", directory()).add("module", directory());
        root.add(
                "devices",
                directory()
                        .add("system", directory().add("cpu", processors()).add("node", nodes()))
                        .add("virtual", directory()));
        root.add("fs", directory().add("cgroup", directory()));
        SyntheticDirectory huge = directory();
        file(huge, "enabled", "always [madvise] never");
        file(huge, "defrag", "always defer defer+madvise [madvise] never");
        file(huge, "shmem_enabled", "always within_size advise [never] deny force");
        file(huge, "hpage_pmd_size", "2097152");
        file(huge, "use_zero_page", "1");
        root.add(
                "kernel",
                directory()
                        .add(
                                "mm",
                                directory()
                                        .add("transparent_hugepage", huge)
                                        .add("hugepages", directory()))
                        .add("debug", directory())
                        .add("security", directory()));
        return root;
    }

    private SyntheticDirectory processors() {
        SyntheticDirectory cpus = directory();
        int count = Runtime.getRuntime().availableProcessors();
        String range = count == 1 ? "0" : "0-" + (count - 1);
        file(cpus, "online", range);
        file(cpus, "possible", range);
        file(cpus, "present", range);
        file(cpus, "offline", "");
        file(cpus, "kernel_max", Integer.toString(count - 1));
        for (int i = 0; i < count; i++) {
            SyntheticDirectory cpu = directory();
            SyntheticDirectory topology = directory();
            file(topology, "core_id", Integer.toString(i));
            file(topology, "physical_package_id", "0");
            file(topology, "die_id", "0");
            String own = mask(1L << i);
            String all = mask(count >= 64 ? -1 : (1L << count) - 1);
            for (String name : new String[] {"thread_siblings", "core_cpus"}) {
                file(topology, name, own);
                file(topology, name + "_list", Integer.toString(i));
            }
            for (String name : new String[] {"core_siblings", "package_cpus", "die_cpus"}) {
                file(topology, name, all);
                file(topology, name + "_list", range);
            }
            cpu.add("topology", topology);
            file(cpu, "online", "1");
            cpus.add("cpu" + i, cpu);
        }
        return cpus;
    }

    private SyntheticDirectory nodes() {
        SyntheticDirectory nodes = directory();
        SyntheticDirectory node = directory();
        int count = Runtime.getRuntime().availableProcessors();
        file(node, "cpumap", mask(count >= 64 ? -1 : (1L << count) - 1));
        file(node, "cpulist", count == 1 ? "0" : "0-" + (count - 1));
        file(nodes, "online", "0");
        file(nodes, "possible", "0");
        nodes.add("node0", node);
        return nodes;
    }

    /** A set of processors as sysfs shows it: hex words of 32 bits. */
    private static String mask(long bits) {
        String low = String.format("%08x", (int) bits);
        return bits >>> 32 == 0 ? low : String.format("%08x", (int) (bits >>> 32)) + "," + low;
    }

    private SyntheticDirectory directory() {
        return new SyntheticDirectory(this, DIRECTORY);
    }

    private void file(SyntheticDirectory directory, String name, String text) {
        byte[] content = (text + "\n").getBytes(StandardCharsets.ISO_8859_1);
        directory.add(name, new SyntheticFile(this, READ, _ -> content));
    }

    @Override
    public String name() {
        return "sysfs";
    }

    @Override
    public FsStat statfs() {
        return new FsStat(SYSFS_MAGIC, 4096, 0, 0, 0, 0, 0, 255, 0);
    }

    @Override
    public boolean isRebuilt() {
        return true;
    }

    /** What a checkpoint keeps. */
    @StateType(id = 0x03d0, version = 1)
    public record State(FsState fs) {}

    @Override
    public Record save(SaveContext context) {
        return new State(saveFs(context));
    }

    static final Restorer<State, SysFilesystem> RESTORER =
            new Restorer<>() {
                @Override
                public SysFilesystem create(State state, RestoreContext context) {
                    return new SysFilesystem();
                }

                @Override
                public void link(SysFilesystem fs, State state, RestoreContext context) {
                    fs.setRoot(fs.tree());
                    fs.restoreFs(state.fs, context);
                }
            };
}
