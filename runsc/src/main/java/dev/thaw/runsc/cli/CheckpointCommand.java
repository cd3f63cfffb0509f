package dev.thaw.runsc.cli;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.state.ImageException;
import dev.thaw.store.ImageDraft;
import dev.thaw.store.ImageSigner;
import dev.thaw.store.KeyRing;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc checkpoint}. */
@Command(name = "checkpoint", description = "freeze a container to an image")
final class CheckpointCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"--image-path", "-image-path"},
            paramLabel = "IMAGE",
            description =
                    "where the image goes: a directory, or STORE# for a new one in a store, whose id is printed (default: ./checkpoint)",
            defaultValue = "checkpoint")
    String image = "checkpoint";

    @Option(
            names = "--store",
            paramLabel = "STORE",
            description =
                    "put the image in this store, a directory or s3://BUCKET/PREFIX, and print its id")
    @Nullable String store;

    @Option(
            names = {"-l", "--label"},
            paramLabel = "NAME=VALUE",
            description = "a label for the image; may be given many times")
    Map<String, String> labels = new LinkedHashMap<>();

    @Option(
            names = "--parent",
            paramLabel = "IMAGE",
            description =
                    "the image that was made of the container last, or that it came from: only what changed since is written")
    @Nullable String parent;

    @Mixin KeyOptions keys = new KeyOptions();

    @Option(
            names = "--key",
            paramLabel = "ID",
            description = "encrypt with this key (default: the first one that is given, if any)")
    @Nullable String key;

    @Option(
            names = "--cpu-features",
            paramLabel = "LIST",
            split = ",",
            description =
                    "the CPU features (names as in /proc/cpuinfo) that the program relies on, which a host must have to restore the image; default: all of this host's. Nothing is hidden from the program")
    @Nullable List<String> cpuFeatures;

    @Option(
            names = "--sign-key",
            paramLabel = "FILE",
            description = "sign the image with the Ed25519 private key in this PEM file")
    @Nullable Path signKey;

    @Option(
            names = {"--work-path", "-work-path"},
            paramLabel = "DIR",
            hidden = true)
    @Nullable Path work;

    @Option(
            names = "--pre-hook",
            paramLabel = "COMMAND",
            description = "run this shell command in the container first")
    @Nullable String preHook;

    @Mixin HookOptions hooks = new HookOptions();

    @Option(
            names = "--when-asked",
            description =
                    "wait until a program in the container writes \"checkpoint\" to /proc/thaw/checkpoint")
    boolean whenAsked;

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
        if (store != null) {
            image = store + "#";
        }
        try (KeyRing ring = keys.read();
                OpenImage continued = parent == null ? null : OpenImage.of(parent, ring)) {
            StoredImage before = continued == null ? null : continued.image();
            String keyId = key != null || !ring.isEmpty() ? ring.idForNew(key) : null;
            ImageSigner signer = signKey == null ? null : ImageSigner.read(signKey);
            Sandbox sandbox = runsc.sandboxes().get(id);
            if (hooks.post != null && !leaveRunning) {
                throw SandboxException.invalid("--post-hook needs --leave-running");
            }
            hooks.run("pre-hook", preHook, sandbox);
            if (whenAsked && !sandbox.awaitWish()) {
                throw SandboxException.conflict("container ended without asking");
            }
            StoredImage stored =
                    sandbox.checkpoint(
                            () -> draft(ring, keyId, signer, before), leaveRunning, labels);
            hooks.run("post-hook", hooks.post, sandbox);
            if (OpenImage.isInStore(image)) {
                System.out.println(stored.id());
            }
        }
        return 0;
    }

    private ImageDraft draft(
            KeyRing ring,
            @Nullable String keyId,
            @Nullable ImageSigner signer,
            @Nullable StoredImage before)
            throws IOException {
        List<StoredImage> relatives =
                keyId == null
                        ? List.of()
                        : before != null ? List.of(before) : OpenImage.relatives(image);
        ImageDraft draft = OpenImage.create(image);
        if (keyId != null) {
            draft.encrypt(ring, keyId, relatives);
        }
        if (before != null) {
            try {
                draft.continueFrom(before);
            } catch (ImageException e) {
                draft.close();
                throw e;
            }
        }
        if (cpuFeatures != null) {
            try {
                draft.relyOn(cpuFeatures);
            } catch (ImageException e) {
                draft.close();
                throw e;
            }
        }
        return signer == null ? draft : draft.sign(signer);
    }
}
