package dev.thaw.runsc.cli;

import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Sandboxes;
import dev.thaw.runsc.Stdio;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.runsc.oci.SpecReader;
import dev.thaw.state.ImageException;
import dev.thaw.store.ImageDirectory;
import dev.thaw.store.StoredImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc restore}. */
@Command(name = "restore", description = "make a container that goes on from an image")
final class RestoreCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"--image-path", "-image-path"},
            paramLabel = "DIR",
            description = "the image (default: ./checkpoint)",
            defaultValue = "checkpoint")
    Path image = Path.of("checkpoint");

    @Option(
            names = {"--work-path", "-work-path"},
            paramLabel = "DIR",
            hidden = true)
    @Nullable Path work;

    @Option(
            names = {"-b", "--bundle"},
            paramLabel = "DIR",
            description = "the OCI bundle (default: the working directory)")
    @Nullable Path bundle;

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
            names = {
                "--no-subreaper",
                "-no-subreaper",
                "--no-pivot",
                "--file-locks",
                "-file-locks",
                "--tcp-established",
                "--ext-unix-sk",
                "--shell-job",
                "--auto-dedup"
            },
            hidden = true)
    boolean ignored;

    @Option(
            names = {"--manage-cgroups-mode", "--empty-ns", "--lsm-profile", "--lsm-mount-context"},
            hidden = true)
    @Nullable String ignoredToo;

    @Parameters(paramLabel = "ID")
    String id = "";

    RestoreCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        StoredImage stored;
        try {
            stored = ImageDirectory.open(image);
        } catch (ImageException e) {
            throw SandboxException.invalid(String.valueOf(e.getMessage()));
        }
        Path directory = bundle != null ? bundle : Path.of("");
        Spec spec =
                bundle != null || Files.exists(Path.of("config.json"))
                        ? SpecReader.readBundle(directory)
                        : null;
        Sandboxes sandboxes = runsc.sandboxes();
        if (detach) {
            try (Console console =
                    Console.of(spec == null ? null : spec.process(), consoleSocket, true)) {
                Sandbox sandbox = sandboxes.restore(id, directory, spec, stored, console.stdio());
                PidFile.write(pidFile, sandbox.state().pid());
            }
            return 0;
        }
        Sandboxes.Started started =
                sandboxes.restoreAttached(id, directory, spec, stored, Stdio.INHERIT);
        PidFile.write(pidFile, started.state().pid());
        return Foreground.attach(sandboxes, started);
    }
}
