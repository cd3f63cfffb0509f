package dev.thaw.runsc.cli;

import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Sandboxes;
import dev.thaw.runsc.Stdio;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.runsc.oci.SpecReader;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc run}. */
@Command(
        name = "run",
        description = "make a container and run it; in the foreground, exits as its program does")
final class RunCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"-b", "--bundle"},
            paramLabel = "DIR",
            description = "the OCI bundle (default: the working directory)",
            defaultValue = ".")
    Path bundle = Path.of(".");

    @Option(
            names = {"-d", "--detach"},
            description = "return when it runs")
    boolean detach;

    @Option(
            names = "--pid-file",
            paramLabel = "FILE",
            description = "write the container's process id there")
    @Nullable Path pidFile;

    @Option(
            names = "--console-socket",
            paramLabel = "SOCKET",
            description = "a Unix socket that gets the container's terminal")
    @Nullable Path consoleSocket;

    @Option(
            names = {"--no-pivot", "--no-new-keyring", "--no-subreaper", "-no-subreaper"},
            hidden = true)
    boolean ignored;

    @Option(names = "--keep", description = "do not delete the container when it ends")
    boolean keep;

    @Parameters(paramLabel = "ID")
    String id = "";

    RunCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        Spec spec = SpecReader.readBundle(bundle);
        Sandboxes sandboxes = runsc.sandboxes();
        if (detach || keep) {
            try (Console console = Console.of(spec.process(), consoleSocket, detach)) {
                Sandbox sandbox = sandboxes.run(id, bundle, spec, console.stdio());
                PidFile.write(pidFile, sandbox.state().pid());
                return detach ? 0 : sandbox.waitFor();
            }
        }
        Sandboxes.Started started = sandboxes.runAttached(id, bundle, spec, Stdio.INHERIT);
        PidFile.write(pidFile, started.state().pid());
        return Foreground.attach(sandboxes, started);
    }
}
