package dev.thaw.runsc.cli;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Sandboxes;
import dev.thaw.runsc.Stdio;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.runsc.oci.SpecReader;
import dev.thaw.store.ImageTrust;
import dev.thaw.store.KeyRing;
import dev.thaw.store.StoredImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc restore}. */
@Command(name = "restore", description = "make a container that goes on from an image")
final class RestoreCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"--image-path", "-image-path"},
            paramLabel = "IMAGE",
            description = "the image: its directory, or STORE#ID (default: ./checkpoint)",
            defaultValue = "checkpoint")
    String image = "checkpoint";

    @Option(
            names = "--store",
            paramLabel = "STORE",
            description =
                    "the store that has the image, a directory or s3://BUCKET/PREFIX; --image-path is the image's id there")
    @Nullable String store;

    @Mixin KeyOptions keys = new KeyOptions();

    @Option(
            names = "--trust",
            paramLabel = "FILE",
            description =
                    "refuse an image that is not signed by one of the Ed25519 public keys in this PEM file")
    @Nullable Path trust;

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

    @Mixin HookOptions hooks = new HookOptions();

    @Option(
            names = "--on-changed-files",
            paramLabel = "fail|warn|ignore",
            description =
                    "what to do when a file of the host that was open or mapped has changed since (default: fail)",
            defaultValue = "fail")
    String onChangedFiles = "fail";

    @Option(
            names = {"-d", "--detach"},
            description = "return when it runs")
    boolean detach;

    @Option(
            names = "--prefetch",
            description =
                    "read the rest of the image in the background, so that it is not needed any more after a while")
    boolean prefetch;

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
        Path directory = bundle != null ? bundle : Path.of("");
        Spec spec =
                bundle != null || Files.exists(Path.of("config.json"))
                        ? SpecReader.readBundle(directory)
                        : null;
        Sandboxes sandboxes = new Sandboxes(runsc.sandboxes().options(), policy(onChangedFiles));
        Sandboxes.Started started;
        try (KeyRing ring = keys.read();
                OpenImage opened =
                        OpenImage.of(store == null ? image : store + "#" + image, ring)) {
            StoredImage stored = opened.image();
            if (trust != null) {
                stored.checkTrust(ImageTrust.read(trust));
            }
            if (detach) {
                try (Console console =
                        Console.of(spec == null ? null : spec.process(), consoleSocket, true)) {
                    Sandbox sandbox =
                            sandboxes.restore(id, directory, spec, stored, console.stdio());
                    PidFile.write(pidFile, sandbox.state().pid());
                    if (prefetch) {
                        sandbox.prefetch();
                    }
                    afterwards(sandbox);
                }
                return 0;
            }
            started = sandboxes.restoreAttached(id, directory, spec, stored, Stdio.INHERIT);
        }
        PidFile.write(pidFile, started.state().pid());
        if (prefetch) {
            sandboxes.get(id).prefetch();
        }
        hooks.run("post-hook", hooks.post, sandboxes.get(id)); // it ends with us
        return Foreground.attach(sandboxes, started);
    }

    private void afterwards(Sandbox sandbox) throws SandboxException {
        boolean done = false;
        try {
            hooks.run("post-hook", hooks.post, sandbox);
            done = true;
        } finally {
            if (!done) {
                sandbox.delete(true);
            }
        }
    }

    private static Sandboxes.OnChangedFiles policy(String text) throws SandboxException {
        return switch (text) {
            case "fail" -> Sandboxes.OnChangedFiles.FAIL;
            case "warn" -> Sandboxes.OnChangedFiles.WARN;
            case "ignore" -> Sandboxes.OnChangedFiles.IGNORE;
            default ->
                    throw SandboxException.invalid(
                            "--on-changed-files is fail, warn or ignore, not " + text);
        };
    }
}
