package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import dev.thaw.store.ImageDirectory;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc checkpoint}. */
@Command(name = "checkpoint", description = "freeze a container to an image")
final class CheckpointCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"--image-path", "-image-path"},
            paramLabel = "DIR",
            description = "where the image goes (default: ./checkpoint)",
            defaultValue = "checkpoint")
    Path image = Path.of("checkpoint");

    @Option(
            names = {"--work-path", "-work-path"},
            paramLabel = "DIR",
            hidden = true)
    @Nullable Path work;

    @Option(
            names = {"--leave-running", "-leave-running"},
            description = "let the container go on")
    boolean leaveRunning;

    @Option(
            names = {
                "--file-locks",
                "-file-locks",
                "--tcp-established",
                "--ext-unix-sk",
                "--shell-job",
                "--pre-dump",
                "--auto-dedup"
            },
            hidden = true)
    boolean ignored;

    @Option(
            names = {"--manage-cgroups-mode", "--parent-path", "--status-fd", "--page-server"},
            hidden = true)
    @Nullable String ignoredToo;

    @Parameters(paramLabel = "ID")
    String id = "";

    CheckpointCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        runsc.sandboxes()
                .get(id)
                .checkpoint(() -> ImageDirectory.create(image), leaveRunning, Map.of());
        return 0;
    }
}
