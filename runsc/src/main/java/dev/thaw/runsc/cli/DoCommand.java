package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Sandboxes;
import dev.thaw.runsc.Stdio;
import dev.thaw.runsc.Torture;
import dev.thaw.runsc.container.BootSpecs;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.runsc.oci.Spec.LinuxConfig;
import dev.thaw.runsc.oci.Spec.MountConfig;
import dev.thaw.runsc.oci.Spec.Root;
import dev.thaw.runsc.oci.SpecReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc do}: a command on the host's own root, which it can read, and write to only in a memory of its own. */
@Command(
        name = "do",
        description =
                "run a command in a sandbox on a read-only view of the host's root with a writable overlay")
final class DoCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = "--cwd",
            paramLabel = "DIR",
            description = "the working directory (default: the current one)")
    @Nullable String cwd;

    @Option(
            names = "--root",
            paramLabel = "DIR",
            description = "another directory for the root",
            defaultValue = "/")
    Path root = Path.of("/");

    @Option(
            names = "--id",
            paramLabel = "ID",
            description = "the container's name (default: a random one)")
    @Nullable String id;

    @Option(
            names = {"-e", "--env"},
            paramLabel = "NAME=VALUE",
            description = "add to the environment")
    List<String> env = new ArrayList<>();

    @Option(
            names = "--memory",
            paramLabel = "MIB",
            description = "the most memory the sandbox may use",
            defaultValue = "-1")
    long memory = -1;

    @Option(
            names = "--pids",
            paramLabel = "N",
            description = "the most processes and threads it may have",
            defaultValue = "-1")
    long pids = -1;

    @Option(names = "--TESTONLY-checkpoint", paramLabel = "PLAN", hidden = true)
    @Nullable String torture;

    @Option(names = "--TESTONLY-checkpoint-images", paramLabel = "DIR", hidden = true)
    Path images = Path.of(".");

    @Parameters(arity = "1..*", paramLabel = "COMMAND")
    List<String> command = new ArrayList<>();

    DoCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        // Arguments and environment as the bytes they are, not as this JVM's character set decoded
        // them.
        List<String> arguments = RawStrings.arguments(command.size());
        String directory = cwd != null ? SpecReader.raw(cwd) : RawStrings.workingDirectory();
        ProcessConfig process =
                ProcessConfig.of(arguments, RawStrings.environment(), directory).withEnv(env);
        List<MountConfig> mounts =
                List.of(
                        new MountConfig("/proc", "proc", "proc", List.of()),
                        new MountConfig("/dev", "devtmpfs", "dev", List.of()),
                        new MountConfig("/sys", "sysfs", "sysfs", List.of("ro")));
        long limit = memory < 0 ? -1 : memory << 20;
        Spec spec =
                new Spec(
                        "1.2.0",
                        new Root(root.toAbsolutePath().normalize().toString(), false),
                        process,
                        "runsc",
                        mounts,
                        Map.of(BootSpecs.KILLABLE_INIT, ""),
                        new LinuxConfig("", limit, pids, List.of(), List.of()));
        String name =
                id != null
                        ? id
                        : "do-"
                                + ProcessHandle.current().pid()
                                + "-"
                                + Long.toHexString(System.nanoTime() & 0xffffff);
        Sandboxes sandboxes = runsc.sandboxes();
        if (torture != null) {
            return new Torture(sandboxes, torture, images).run(name, root, spec);
        }
        return Foreground.attach(sandboxes, sandboxes.runAttached(name, root, spec, Stdio.INHERIT));
    }
}
