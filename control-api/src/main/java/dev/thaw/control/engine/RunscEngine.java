package dev.thaw.control.engine;

import dev.thaw.control.engine.EngineException.Kind;
import dev.thaw.runsc.ImageKeys;
import dev.thaw.runsc.RuntimeOptions;
import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Sandboxes;
import dev.thaw.runsc.Stdio;
import dev.thaw.runsc.container.Installation;
import dev.thaw.runsc.container.StateRoot;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.runsc.oci.Spec.LinuxConfig;
import dev.thaw.runsc.oci.Spec.MountConfig;
import dev.thaw.runsc.oci.Spec.Root;
import dev.thaw.runsc.oci.SpecReader;
import dev.thaw.state.ImageException;
import dev.thaw.store.Collected;
import dev.thaw.store.ImageDraft;
import dev.thaw.store.ImageLease;
import dev.thaw.store.ImageStore;
import dev.thaw.store.KeyRing;
import dev.thaw.store.StoredImage;
import dev.thaw.store.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sandboxes by the library behind the runsc command, images in a store that shares chunks. Sandboxes are attached: they die with this process, however it ends. */
public final class RunscEngine implements SandboxEngine {
    private static final Logger LOG = LoggerFactory.getLogger(RunscEngine.class);
    private static final List<MountConfig> MOUNTS =
            List.of(
                    new MountConfig("/proc", "proc", "proc", List.of()),
                    new MountConfig("/dev", "devtmpfs", "dev", List.of()),
                    new MountConfig("/sys", "sysfs", "sysfs", List.of("ro")));

    private static final long COLLECT_MINUTES = 60;

    private final StateRoot root;
    private final Installation installation;
    private final ImageStore store;
    private final KeyRing keys;
    private final Path logs;
    private final CountDownLatch closed = new CountDownLatch(1);

    /** {@code state}: run-time state, emptied first; {@code images}: where images lie, a directory or {@code s3://BUCKET/PREFIX}; {@code keyFile}: the keys of encrypted images, beside that in the environment; {@code logs}: where ID.log, what the sandbox's own processes say, goes. */
    public RunscEngine(Path state, String images, @Nullable Path keyFile, Path logs)
            throws IOException, EngineException {
        this.root = new StateRoot(state);
        this.logs = logs;
        this.store = Stores.open(images);
        try {
            this.installation = Installation.current();
            this.keys = ImageKeys.read(keyFile);
            removeLeftovers();
        } catch (SandboxException e) {
            throw wrap(e);
        }
        Thread.ofVirtual().name("collect-images").start(this::collect);
    }

    /** A remote store frees nothing at a deletion, and a local one leaves packs that are mostly dead. */
    private void collect() {
        try {
            while (!closed.await(COLLECT_MINUTES, TimeUnit.MINUTES)) {
                try {
                    Collected done = store.collect();
                    LOG.info(
                            "collected images: {} bytes freed, {} files removed, {} packs rewritten",
                            done.bytes(),
                            done.files(),
                            done.rewritten());
                    done.problems().forEach(problem -> LOG.warn("collecting images: {}", problem));
                } catch (IOException | ImageException e) {
                    LOG.warn("collecting images: {}", e.getMessage());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void removeLeftovers() throws SandboxException {
        if (!Files.isDirectory(root.path())) {
            return;
        }
        for (Sandbox sandbox : sandboxes("", "systrap").list()) {
            LOG.info("removing sandbox {} of an earlier server", sandbox.id());
            sandbox.delete(true);
        }
    }

    @Override
    public EngineSandbox start(
            String id, SandboxConfig config, int stdinFd, int stdoutFd, int stderrFd)
            throws EngineException {
        try {
            Sandboxes sandboxes = sandboxes(id, config.platform());
            Spec spec = spec(config);
            Sandboxes.Started started =
                    sandboxes.runAttached(
                            id,
                            Path.of(config.root()),
                            spec,
                            new Stdio(stdinFd, stdoutFd, stderrFd));
            return new RunscSandbox(this, sandboxes, started);
        } catch (SandboxException e) {
            throw wrap(e);
        }
    }

    @Override
    public EngineSandbox restore(
            String id,
            String imageId,
            SandboxConfig config,
            int stdinFd,
            int stdoutFd,
            int stderrFd)
            throws EngineException {
        try (ImageLease lease = store.open(imageId)) {
            Spec spec = spec(config);
            StoredImage image = lease.image().with(keys);
            Sandboxes sandboxes = sandboxes(id, config.platform());
            Sandboxes.Started started =
                    sandboxes.restoreAttached(
                            id,
                            Path.of(config.root()),
                            spec,
                            image,
                            new Stdio(stdinFd, stdoutFd, stderrFd));
            return new RunscSandbox(this, sandboxes, started);
        } catch (ImageException e) {
            throw new EngineException(Kind.INVALID, String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            throw new EngineException(
                    Kind.INTERNAL, "the image can not be read: " + e.getMessage(), e);
        } catch (SandboxException e) {
            throw wrap(e);
        }
    }

    /** Takes an image of {@code sandbox}. */
    ImageInfo checkpoint(Sandbox sandbox, boolean leaveRunning) throws EngineException {
        try {
            StoredImage image = sandbox.checkpoint(this::draft, leaveRunning, Map.of());
            var sizes = image.manifest().sizes();
            return new ImageInfo(
                    image.id(),
                    sizes.rawBytes(),
                    sizes.storedBytes(),
                    image.manifest().times().pauseNanos());
        } catch (SandboxException e) {
            throw wrap(e);
        } catch (ImageException e) {
            throw new EngineException(Kind.INTERNAL, String.valueOf(e.getMessage()), e);
        }
    }

    private ImageDraft draft() throws IOException {
        ImageDraft draft = store.begin();
        return keys.isEmpty() ? draft : draft.encrypt(keys, keys.idForNew(null), store.list());
    }

    @Override
    public void deleteImage(String imageId) throws EngineException {
        try {
            store.delete(imageId);
        } catch (ImageException e) {
            LOG.info("image {} was gone already: {}", imageId, e.getMessage());
        } catch (IOException e) {
            throw new EngineException(
                    Kind.INTERNAL, "the image can not be removed: " + e.getMessage(), e);
        }
    }

    @Override
    public void forget(String id) {
        try {
            if (Files.exists(root.directory(id))) {
                root.remove(id);
            }
        } catch (SandboxException e) {
            LOG.warn("state of {}: {}", id, e.getMessage());
        }
    }

    @Override
    public void close() {
        closed.countDown();
        store.close();
        keys.close();
    }

    private Sandboxes sandboxes(String id, String platform) {
        return new Sandboxes(
                new RuntimeOptions(
                        root,
                        installation,
                        platform,
                        false,
                        true,
                        id.isEmpty() ? null : logs.resolve(id + ".log")));
    }

    private static Spec spec(SandboxConfig config) throws SandboxException {
        try {
            if (!Files.isDirectory(Path.of(config.root()))) {
                throw SandboxException.invalid("root " + config.root() + " is no directory");
            }
        } catch (InvalidPathException e) {
            throw SandboxException.invalid(
                    "root " + config.root() + " is no path: " + e.getReason());
        }
        LinuxConfig limits =
                new LinuxConfig(
                        "",
                        config.memoryBytes() > 0 ? config.memoryBytes() : -1,
                        config.pids() > 0 ? config.pids() : -1,
                        List.of(),
                        List.of());
        ProcessConfig process = process(config.command(), config.env(), config.cwd());
        return new Spec(
                "1.2.0", new Root(config.root(), false), process, "thaw", MOUNTS, Map.of(), limits);
    }

    static ProcessConfig process(List<String> command, Map<String, String> env, String cwd) {
        List<String> arguments = new ArrayList<>();
        for (String argument : command) {
            arguments.add(SpecReader.raw(argument));
        }
        List<String> environment = new ArrayList<>();
        env.forEach((name, value) -> environment.add(SpecReader.raw(name + "=" + value)));
        return ProcessConfig.of(arguments, environment, SpecReader.raw(cwd));
    }

    static EngineException wrap(SandboxException e) {
        Kind kind =
                switch (e.kind()) {
                    case INVALID -> Kind.INVALID;
                    case NOT_FOUND -> Kind.NOT_FOUND;
                    case CONFLICT -> Kind.CONFLICT;
                    case INTERNAL -> Kind.INTERNAL;
                };
        return new EngineException(kind, String.valueOf(e.getMessage()), e);
    }
}
