package dev.thaw.control.sandbox;

import dev.thaw.control.ControlProperties;
import dev.thaw.control.engine.EngineException;
import dev.thaw.control.engine.EngineSandbox;
import dev.thaw.control.engine.ExecConfig;
import dev.thaw.control.engine.ImageInfo;
import dev.thaw.control.engine.SandboxConfig;
import dev.thaw.control.engine.SandboxEngine;
import jakarta.annotation.PreDestroy;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;

/** The sandboxes of this server and what can be done with them. They live as long as the server; checkpoints stay. */
@Service
public class SandboxService {
    private static final Duration DEATH = Duration.ofSeconds(10);

    private final ControlProperties properties;
    private final SandboxEngine engine;
    private final SandboxOutputs outputs;
    private final CheckpointCatalog catalog;
    private final SandboxMetrics metrics;
    private final ConcurrentHashMap<String, ManagedSandbox> sandboxes = new ConcurrentHashMap<>();
    private final AtomicInteger places = new AtomicInteger();
    private final AtomicBoolean closed = new AtomicBoolean();

    public SandboxService(
            ControlProperties properties,
            SandboxEngine engine,
            SandboxOutputs outputs,
            CheckpointCatalog catalog,
            SandboxMetrics metrics) {
        this.properties = properties;
        this.engine = engine;
        this.outputs = outputs;
        this.catalog = catalog;
        this.metrics = metrics;
        metrics.sandboxes(
                status ->
                        sandboxes.values().stream()
                                .filter(sandbox -> sandbox.status() == status)
                                .count());
    }

    /** Makes a sandbox and starts its program. */
    public SandboxView create(
            SandboxConfig config, @Nullable String name, Map<String, String> labels) {
        return launch(config, name, labels, null);
    }

    /** Makes a sandbox that goes on where a checkpoint stands. */
    public SandboxView restore(
            String checkpointId, @Nullable String name, @Nullable Map<String, String> labels) {
        CheckpointCatalog.Entry entry = entry(checkpointId);
        return launch(
                entry.config(),
                name != null ? name : entry.view().name(),
                labels != null ? labels : entry.view().labels(),
                checkpointId);
    }

    private SandboxView launch(
            SandboxConfig config,
            @Nullable String name,
            Map<String, String> labels,
            @Nullable String checkpointId) {
        if (closed.get()) {
            throw ApiException.conflict("the server is shutting down");
        }
        if (places.incrementAndGet() > properties.maxSandboxes()) {
            places.decrementAndGet();
            throw ApiException.tooMany(
                    "there are "
                            + properties.maxSandboxes()
                            + " sandboxes already (thaw.control.max-sandboxes)");
        }
        String id = Ids.next("sb");
        String operation = checkpointId == null ? "start" : "restore";
        long start = System.nanoTime();
        boolean done = false;
        SandboxOutputs.Output output = null;
        EngineSandbox made = null;
        try {
            output = outputs.open(id);
            made =
                    checkpointId == null
                            ? engine.start(
                                    id,
                                    config,
                                    output.stdin(),
                                    output.stdoutWrite(),
                                    output.stderrWrite())
                            : engine.restore(
                                    id,
                                    checkpointId,
                                    config,
                                    output.stdin(),
                                    output.stdoutWrite(),
                                    output.stderrWrite());
            long nanos = System.nanoTime() - start;
            ManagedSandbox sandbox =
                    new ManagedSandbox(
                            id,
                            name,
                            Map.copyOf(labels),
                            config,
                            checkpointId,
                            made,
                            output.stdout(),
                            output.stderr(),
                            nanos / 1e9);
            sandboxes.put(id, sandbox);
            outputs.watch(made.pid(), () -> ended(sandbox));
            done = true;
            metrics.record(operation, true, nanos);
            return sandbox.view();
        } catch (EngineException e) {
            throw ApiException.of(e, checkpointId == null ? "unusable-sandbox" : "unusable-image");
        } catch (IOException e) {
            throw ApiException.internal(String.valueOf(e.getMessage()));
        } finally {
            if (output != null) {
                output.closeGivenAway();
            }
            if (!done) {
                metrics.record(operation, false, System.nanoTime() - start);
                places.decrementAndGet();
                sandboxes.remove(id);
                if (made != null) {
                    made.destroy();
                }
                outputs.discard(id, output);
            }
        }
    }

    /** On the thread that watches processes: one has ended. */
    private void ended(ManagedSandbox sandbox) {
        int code = sandbox.engine.reap();
        engine.forget(sandbox.id);
        sandbox.stopped(code);
    }

    public List<SandboxView> list() {
        return sandboxes.values().stream()
                .map(ManagedSandbox::view)
                .sorted(Comparator.comparing(SandboxView::createdAt))
                .toList();
    }

    public SandboxView get(String id) {
        return find(id).view();
    }

    /** Stops all tasks of a running sandbox. */
    public SandboxView pause(String id) {
        ManagedSandbox sandbox = find(id);
        sandbox.begin();
        try {
            require(sandbox, "paused", SandboxStatus.RUNNING);
            sandbox.engine.pause();
            sandbox.moveTo(SandboxStatus.PAUSED);
            return sandbox.view();
        } catch (EngineException e) {
            throw ApiException.of(e, "unusable-sandbox");
        } finally {
            sandbox.end();
        }
    }

    /** Lets a paused sandbox go on. */
    public SandboxView resume(String id) {
        ManagedSandbox sandbox = find(id);
        sandbox.begin();
        try {
            require(sandbox, "resumed", SandboxStatus.PAUSED);
            sandbox.engine.resume();
            sandbox.moveTo(SandboxStatus.RUNNING);
            return sandbox.view();
        } catch (EngineException e) {
            throw ApiException.of(e, "unusable-sandbox");
        } finally {
            sandbox.end();
        }
    }

    /** Writes an image of a sandbox, which ends by it unless {@code leaveRunning}. When it fails, the sandbox goes on. */
    public CheckpointView checkpoint(
            String id, boolean leaveRunning, @Nullable String name, Map<String, String> labels) {
        ManagedSandbox sandbox = find(id);
        sandbox.begin();
        long start = System.nanoTime();
        boolean done = false;
        try {
            require(sandbox, "checkpointed", SandboxStatus.RUNNING, SandboxStatus.PAUSED);
            ImageInfo image = sandbox.engine.checkpoint(leaveRunning);
            long nanos = System.nanoTime() - start;
            CheckpointView view =
                    new CheckpointView(
                            image.id(),
                            name != null ? name : sandbox.name,
                            id,
                            sandbox.config.command(),
                            Map.copyOf(labels),
                            Instant.now(),
                            image.bytes(),
                            image.storedBytes(),
                            nanos / 1e9,
                            image.pausedNanos() / 1e9);
            catalog.add(view, sandbox.config);
            done = true;
            metrics.image(image.bytes(), image.storedBytes());
            metrics.paused(image.pausedNanos());
            return view;
        } catch (EngineException e) {
            throw ApiException.of(e, "unusable-sandbox");
        } catch (IOException e) {
            throw ApiException.internal("the checkpoint can not be recorded: " + e.getMessage());
        } finally {
            metrics.record("checkpoint", done, System.nanoTime() - start);
            sandbox.end();
            if (done && !leaveRunning) {
                awaitEnd(sandbox);
            }
        }
    }

    /** Runs one more program in a running sandbox and waits for its end. */
    public ExecResult exec(String id, ExecConfig config, Duration timeout)
            throws InterruptedException {
        ManagedSandbox sandbox = find(id);
        require(sandbox, "asked to run a program", SandboxStatus.RUNNING);
        try {
            return outputs.exec(sandbox.engine, config, timeout);
        } catch (EngineException e) {
            throw ApiException.of(e, "unusable-program");
        } catch (IOException e) {
            throw ApiException.internal(String.valueOf(e.getMessage()));
        }
    }

    /** Part of a sandbox's output: "stdout", "stderr", or "runtime" for what the sandbox's own processes had to say. */
    public LogPart logs(String id, String stream, long offset, int most, Duration wait)
            throws InterruptedException {
        ManagedSandbox sandbox = find(id);
        try {
            if (stream.equals("runtime")) {
                return outputs.runtime(sandbox, offset, most);
            }
            LogFile.Slice slice =
                    (stream.equals("stderr") ? sandbox.stderr : sandbox.stdout)
                            .read(offset, most, wait);
            return new LogPart(slice.offset(), slice.bytes(), slice.next(), slice.ended());
        } catch (IOException e) {
            throw ApiException.internal("the log can not be read: " + e.getMessage());
        }
    }

    /** Output from {@code offset} of its stream on; {@code next} is where to go on, {@code ended} whether nothing will come there. */
    public record LogPart(long offset, byte[] bytes, long next, boolean ended) {}

    /** Kills a sandbox if it lives, and forgets it and its output. */
    public void delete(String id) {
        ManagedSandbox sandbox = sandboxes.remove(id);
        if (sandbox == null) {
            throw ApiException.notFound("there is no sandbox " + id);
        }
        end(sandbox);
    }

    private void end(ManagedSandbox sandbox) {
        sandbox.engine.destroy();
        awaitEnd(sandbox);
        places.decrementAndGet();
        outputs.remove(sandbox);
    }

    private static void awaitEnd(ManagedSandbox sandbox) {
        try {
            sandbox.ended.await(DEATH.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public List<CheckpointView> checkpoints() {
        return catalog.list();
    }

    public CheckpointView checkpointView(String id) {
        return entry(id).view();
    }

    /** Removes a checkpoint and its image. Sandboxes restored from it keep what they need. */
    public void deleteCheckpoint(String id) {
        try {
            entry(id);
            engine.deleteImage(id);
            catalog.remove(id);
        } catch (EngineException e) {
            throw ApiException.of(e, "unusable-image");
        } catch (IOException e) {
            throw ApiException.internal("the checkpoint can not be removed: " + e.getMessage());
        }
    }

    /** Ends every sandbox. */
    @PreDestroy
    void close() {
        closed.set(true);
        List<ManagedSandbox> all = new ArrayList<>(sandboxes.values());
        sandboxes.clear();
        all.forEach(sandbox -> sandbox.engine.destroy());
        all.forEach(this::end);
    }

    private CheckpointCatalog.Entry entry(String id) {
        CheckpointCatalog.Entry entry = catalog.get(id);
        if (entry == null) {
            throw ApiException.notFound("there is no checkpoint " + id);
        }
        return entry;
    }

    private ManagedSandbox find(String id) {
        ManagedSandbox sandbox = sandboxes.get(id);
        if (sandbox == null) {
            throw ApiException.notFound("there is no sandbox " + id);
        }
        return sandbox;
    }

    private static void require(ManagedSandbox sandbox, String done, SandboxStatus... allowed) {
        SandboxStatus status = sandbox.status();
        for (SandboxStatus candidate : allowed) {
            if (candidate == status) {
                return;
            }
        }
        throw ApiException.wrongState(
                "sandbox " + sandbox.id + " is " + status.json() + " and can not be " + done);
    }
}
