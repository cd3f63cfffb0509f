package dev.thaw.runsc.cli;

import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.runsc.oci.SpecReader;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc create}. */
@Command(name = "create", description = "make a container; its program waits for start")
final class CreateCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"-b", "--bundle"},
            paramLabel = "DIR",
            description = "the OCI bundle (default: the working directory)",
            defaultValue = ".")
    Path bundle = Path.of(".");

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
            names = {"--no-pivot", "--no-new-keyring"},
            hidden = true)
    boolean ignored;

    @Option(names = "--preserve-fds", hidden = true, paramLabel = "N")
    int preserveFds;

    @Parameters(paramLabel = "ID")
    String id = "";

    CreateCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        Spec spec = SpecReader.readBundle(bundle);
        try (Console console = Console.of(spec.process(), consoleSocket, true)) {
            Sandbox sandbox = runsc.sandboxes().create(id, bundle, spec, console.stdio());
            PidFile.write(pidFile, sandbox.state().pid());
        }
        return 0;
    }
}
