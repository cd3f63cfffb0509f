package dev.thaw.runsc;

import dev.thaw.runsc.container.BootSpecs;
import dev.thaw.runsc.container.Cgroups;
import dev.thaw.runsc.container.ContainerState;
import dev.thaw.runsc.container.HostProcesses;
import dev.thaw.runsc.container.SandboxProcess;
import dev.thaw.runsc.oci.Spec;
import dev.thaw.runsc.oci.SpecJson;
import dev.thaw.runsc.oci.SpecReader;
import dev.thaw.state.ImageException;
import dev.thaw.state.crypt.DataKey;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The sandboxes under one state directory: the library that the command line and the control API drive. Safe for use by any thread. */
public final class Sandboxes {
    /** The configuration without its process, in the state directory. */
    static final String SPEC_NAME = "spec.json";

    private static final System.Logger LOG = System.getLogger("dev.thaw.runsc");

    private final RuntimeOptions options;
    private final OnChangedFiles onChangedFiles;

    /** For tests: the call at which the next sandbox stops, 0 for none. */
    private volatile long trapAt;

    /** What a restore does when the host's files are not what they were when the image was made. */
    public enum OnChangedFiles {
        FAIL,
        WARN,
        IGNORE
    }

    public Sandboxes(RuntimeOptions options) {
        this(options, OnChangedFiles.FAIL);
    }

    public Sandboxes(RuntimeOptions options, OnChangedFiles onChangedFiles) {
        this.options = options;
        this.onChangedFiles = onChangedFiles;
    }

    void setTrap(long call) {
        trapAt = call;
    }

    private void judge(String changed) throws SandboxException {
        if (changed.isEmpty()) {
            return;
        }
        switch (onChangedFiles) {
            case FAIL ->
                    throw SandboxException.conflict(
                            "can not restore: files of the host have changed since the checkpoint: "
                                    + changed
                                    + " (--on-changed-files=warn goes on all the same)");
            case WARN ->
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "files of the host have changed since the checkpoint: {0}",
                            changed);
            case IGNORE -> {}
        }
    }

    public RuntimeOptions options() {
        return options;
    }

    /** The sandbox with this id, whatever its state. */
    public Sandbox get(String id) throws SandboxException {
        return new Sandbox(options, options.root().load(id));
    }

    /** All sandboxes. */
    public List<Sandbox> list() throws SandboxException {
        ArrayList<Sandbox> list = new ArrayList<>();
        for (ContainerState state : options.root().list()) {
            list.add(new Sandbox(options, state));
        }
        return list;
    }

    /**
     * Makes a sandbox whose program is loaded but does not run before {@link Sandbox#start}. It lives by itself and stays, stopped in the end, until it is deleted.
     */
    public Sandbox create(String id, Path bundle, Spec spec, Stdio stdio) throws SandboxException {
        Started started = launch(id, bundle, spec, stdio, false, new int[0], null, false);
        return detach(started);
    }

    /** Makes a sandbox and runs its program at once. */
    public Sandbox run(String id, Path bundle, Spec spec, Stdio stdio) throws SandboxException {
        Started started = launch(id, bundle, spec, stdio, true, new int[0], null, false);
        return detach(started);
    }

    /** Makes a sandbox that goes on from {@code image}; {@code spec} says what its root and mounts connect to, null: what they did when the image was made. */
    public Sandbox restore(
            String id, Path bundle, @Nullable Spec spec, StoredImage image, Stdio stdio)
            throws SandboxException {
        return detach(launchRestored(id, bundle, spec, image, stdio, false));
    }

    /** As {@link #restore}, but it dies with the caller, who holds the process. */
    public Started restoreAttached(
            String id, Path bundle, @Nullable Spec spec, StoredImage image, Stdio stdio)
            throws SandboxException {
        options.root().sweepAttached();
        return launchRestored(id, bundle, spec, image, stdio, true);
    }

    /** The sandbox restores while the image's files are checked here; only then does it go on. */
    private Started launchRestored(
            String id,
            Path bundle,
            @Nullable Spec spec,
            StoredImage image,
            Stdio stdio,
            boolean attached)
            throws SandboxException {
        Spec connected = spec != null ? spec : SpecReader.readText(image.manifest().spec(), bundle);
        int[] fds = Images.open(image);
        try {
            return launch(id, bundle, connected, stdio, false, fds, image, attached);
        } finally {
            Images.close(fds);
        }
    }

    private Sandbox detach(Started started) {
        started.process.detach();
        started.process.close();
        Thread.ofPlatform()
                .name("reap-" + started.state.id())
                .daemon()
                .start(started.process::waitFor); // it is our child until we end
        return new Sandbox(options, started.state);
    }

    /** A sandbox that lives as long as {@code process} is held open, and leaves nothing behind. */
    public record Started(ContainerState state, SandboxProcess process) {}

    /** Makes a sandbox and runs its program; it dies with the caller, who holds the process. */
    public Started runAttached(String id, Path bundle, Spec spec, Stdio stdio)
            throws SandboxException {
        options.root().sweepAttached();
        return launch(id, bundle, spec, stdio, true, new int[0], null, true);
    }

    /** As {@link #runAttached}, but the program waits for {@link Sandbox#begin}. */
    Started createAttached(String id, Path bundle, Spec spec, Stdio stdio) throws SandboxException {
        return launch(id, bundle, spec, stdio, false, new int[0], null, true);
    }

    private static void writeSpec(Path directory, Spec spec) throws SandboxException {
        try {
            Files.writeString(directory.resolve(SPEC_NAME), SpecJson.write(spec));
        } catch (IOException e) {
            throw SandboxException.internal(
                    "can not write to " + directory + ": " + e.getMessage());
        }
    }

    private static byte[] imageKey(@Nullable StoredImage image) throws SandboxException {
        try (DataKey key = image == null ? null : image.dataKey()) {
            return ImageKeys.bytes(key);
        } catch (ImageException e) {
            throw SandboxException.invalid(String.valueOf(e.getMessage()));
        }
    }

    Started launch(
            String id,
            Path bundle,
            Spec spec,
            Stdio stdio,
            boolean start,
            int[] imageFds,
            @Nullable StoredImage image,
            boolean attached)
            throws SandboxException {
        byte[] key = imageKey(image);
        BootSpecs specs = BootSpecs.of(options, id, spec, start, imageFds.length, key);
        Path directory = options.root().create(id);
        SandboxProcess process = null;
        boolean done = false;
        try {
            writeSpec(directory, spec);
            List<String> cgroups = Cgroups.create(spec.linux());
            process =
                    SandboxProcess.spawn(
                            options,
                            new SandboxProcess.Request(
                                    directory, specs.trees(), stdio, imageFds, cgroups));
            process.boot(specs.boot());
            Arrays.fill(key, (byte) 0);
            if (attached) {
                options.root().markAttached(id, process.pid());
            }
            ContainerState state =
                    new ContainerState(
                            id,
                            ContainerState.CREATING,
                            process.pid(),
                            HostProcesses.startTime(process.pid()),
                            bundle.toAbsolutePath().normalize().toString(),
                            spec.root().path(),
                            Instant.now().toString(),
                            options.platform(),
                            String.join(":", cgroups),
                            spec.annotations());
            try {
                options.root().store(state);
            } catch (SandboxException e) {
                process.awaitReady(); // if it died and took the directory along, that is what to
                // report
                throw e;
            }
            if (image != null) {
                Images.check(options, image);
            }
            judge(process.awaitReady());
            Sandbox sandbox = new Sandbox(options, state);
            if (trapAt != 0) {
                sandbox.setTrap(trapAt);
            }
            if (image != null) {
                sandbox.begin();
            }
            state =
                    state.withStatus(
                            start || image != null
                                    ? ContainerState.RUNNING
                                    : ContainerState.CREATED);
            options.root().store(state);
            done = true;
            return new Started(state, process);
        } finally {
            if (!done) {
                if (process != null) {
                    process.abort();
                }
                options.root().remove(id);
            }
        }
    }
}
