package dev.thaw.runsc.container;

import dev.thaw.runsc.RuntimeOptions;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.container.SandboxProcess.GoferTree;
import dev.thaw.runsc.control.BootSpec;
import dev.thaw.runsc.control.BootSpec.BootMount;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.runsc.oci.Spec.MountConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** From an OCI configuration to what the sandbox process and the gofer are told. */
public record BootSpecs(BootSpec boot, List<GoferTree> trees) {
    /** The annotation that lets any signal kill init. */
    public static final String KILLABLE_INIT = "dev.thaw.killable-init";

    /** Kinds of mounts that the Sentry answers for by itself. */
    private static final Set<String> OWN = Set.of("proc", "sysfs", "tmpfs", "devtmpfs");

    /** Kinds that {@code /dev} brings along, or that have no meaning in a sandbox with a kernel of its own. */
    private static final Set<String> IGNORED =
            Set.of(
                    "devpts",
                    "mqueue",
                    "cgroup",
                    "cgroup2",
                    "securityfs",
                    "debugfs",
                    "tracefs",
                    "bpf",
                    "pstore",
                    "efivarfs");

    /** What {@code spec} means for a new container. {@code start}: run it at once; {@code imageFiles}: descriptors of an image that holds what runs, 0 for none; {@code imageKey}: its data key. */
    public static BootSpecs of(
            RuntimeOptions options,
            String id,
            Spec spec,
            boolean start,
            int imageFiles,
            byte[] imageKey)
            throws SandboxException {
        ArrayList<GoferTree> trees = new ArrayList<>();
        ArrayList<BootMount> mounts = new ArrayList<>();
        trees.add(new GoferTree(spec.root().path(), true)); // the overlay above it takes the writes
        int number = 0;
        for (MountConfig mount : spec.mounts()) {
            String type = mount.type();
            if (mount.isBind()) {
                mounts.add(
                        new BootMount(mount.destination(), "bind", trees.size(), mount.options()));
                trees.add(new GoferTree(mount.source(), mount.isReadOnly()));
            } else if (mount.destination().equals("/dev")
                    && (type.equals("tmpfs") || type.equals("devtmpfs"))) {
                mounts.add(new BootMount("/dev", "dev", -1, mount.options()));
            } else if (OWN.contains(type)) {
                mounts.add(
                        new BootMount(
                                mount.destination(),
                                type.equals("devtmpfs") ? "dev" : type,
                                -1,
                                mount.options()));
            } else if (!IGNORED.contains(type)) {
                throw SandboxException.invalid(
                        "config.json: mounts["
                                + number
                                + "].type \""
                                + type
                                + "\" is not supported");
            }
            number++;
        }
        ProcessConfig process = spec.process();
        if (process == null) {
            if (imageFiles == 0) {
                throw SandboxException.invalid("config.json: process is missing");
            }
            process = ProcessConfig.of(List.of(), List.of(), "/");
        }
        BootSpec boot =
                new BootSpec(
                        id,
                        options.platform(),
                        spec.hostname(),
                        options.strace(),
                        options.confine(),
                        start,
                        imageFiles,
                        imageKey,
                        spec.root().readOnly(),
                        true,
                        spec.annotations().containsKey(KILLABLE_INIT),
                        spec.linux().memoryLimit(),
                        spec.linux().pidsLimit(),
                        mounts,
                        process);
        return new BootSpecs(boot, trees);
    }
}
