package dev.thaw.runsc;

import dev.thaw.host.HostProcess;
import dev.thaw.runsc.container.Cgroups;
import dev.thaw.runsc.container.ContainerState;
import dev.thaw.runsc.container.HostProcesses;
import dev.thaw.runsc.container.SandboxProcess;
import dev.thaw.runsc.container.StateRoot;
import dev.thaw.runsc.control.ControlClient;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.state.ImageException;
import dev.thaw.store.ImageDraft;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One container and its sandbox. A handle: it holds nothing open and may be made again from the id at any time. */
public final class Sandbox {
    private static final int SIGKILL = 9;
    private static final Duration DEATH = Duration.ofSeconds(10);

    private final RuntimeOptions options;
    private ContainerState state;

    Sandbox(RuntimeOptions options, ContainerState state) {
        this.options = options;
        this.state = state;
    }

    public String id() {
        return state.id();
    }

    /** The state as it was when last looked at. */
    public ContainerState state() {
        return state;
    }

    /** Looks at the state again. */
    public ContainerState refresh() throws SandboxException {
        state = options.root().load(state.id());
        return state;
    }

    /** Where the state directory is. */
    public Path directory() throws SandboxException {
        return options.root().directory(state.id());
    }

    /** Runs the program of a created sandbox. */
    public void start() throws SandboxException {
        try (StateRoot.Lock _ = options.root().lock(id())) {
            refresh();
            switch (state.status()) {
                case ContainerState.CREATED -> {}
                case ContainerState.STOPPED ->
                        throw SandboxException.conflict(
                                "cannot start a container that has stopped");
                default ->
                        throw SandboxException.conflict(
                                "cannot start an already running container");
            }
            try (ControlClient client = connect()) {
                client.start();
            }
            store(ContainerState.RUNNING);
        }
    }

    /** Lets a restored sandbox go on. */
    void begin() throws SandboxException {
        try (ControlClient client = connect()) {
            client.start();
        }
    }

    /** Starts one more process in the sandbox. The returned connection says how it ends; closing it leaves the process alone. */
    public ExecHandle exec(ProcessConfig process, Stdio stdio) throws SandboxException {
        refresh();
        switch (state.status()) {
            case ContainerState.RUNNING -> {}
            case ContainerState.PAUSED ->
                    throw SandboxException.conflict("cannot exec in a paused container");
            default ->
                    throw SandboxException.conflict(
                            "cannot exec in a container that is not running");
        }
        ControlClient client = connect();
        boolean done = false;
        try {
            int pid = client.exec(process, stdio.in(), stdio.out(), stdio.err());
            done = true;
            return new ExecHandle(pid, client);
        } finally {
            if (!done) {
                client.close();
            }
        }
    }

    /** A process started by {@link #exec}. */
    public record ExecHandle(int pid, ControlClient client) implements AutoCloseable {
        /** Waits for its end; its exit code, 128 + n after signal n. */
        public int waitFor() throws SandboxException {
            int code = client.awaitExit();
            return code < 0 ? 128 + SIGKILL : code;
        }

        @Override
        public void close() {
            client.close();
        }
    }

    /** Has what a restore left for later read in the background. */
    public void prefetch() throws SandboxException {
        try (ControlClient client = connect()) {
            client.prefetch();
        }
    }

    /** Stops all tasks. */
    public void pause() throws SandboxException {
        try (StateRoot.Lock _ = options.root().lock(id())) {
            refresh();
            if (!state.status().equals(ContainerState.RUNNING)
                    && !state.status().equals(ContainerState.CREATED)) {
                throw SandboxException.conflict(
                        "container not running or created: " + state.status());
            }
            try (ControlClient client = connect()) {
                client.pause();
            }
            store(ContainerState.PAUSED);
        }
    }

    /** Lets all tasks go on. */
    public void resume() throws SandboxException {
        try (StateRoot.Lock _ = options.root().lock(id())) {
            refresh();
            if (!state.status().equals(ContainerState.PAUSED)) {
                throw SandboxException.conflict("container not paused");
            }
            try (ControlClient client = connect()) {
                client.resume();
            }
            store(ContainerState.RUNNING);
        }
    }

    /** Begins an image; see {@code ImageStore.begin} and {@code ImageDirectory.create}. */
    public interface DraftMaker {
        ImageDraft make() throws IOException;
    }

    /**
     * Freezes the sandbox to an image, all of it or (on any failure) nothing, and lets it go on as it was; without {@code leaveRunning} it ends when the image is complete.
     */
    public StoredImage checkpoint(
            DraftMaker maker, boolean leaveRunning, Map<String, String> labels)
            throws SandboxException {
        try (StateRoot.Lock _ = options.root().lock(id())) {
            refresh();
            if (!state.status().equals(ContainerState.RUNNING)
                    && !state.status().equals(ContainerState.PAUSED)) {
                throw SandboxException.conflict("container not running");
            }
            StoredImage image;
            try (ControlClient client = connect()) {
                String spec = Files.readString(directory().resolve(Sandboxes.SPEC_NAME));
                image =
                        Images.write(
                                client,
                                maker.make(),
                                leaveRunning,
                                Images.facts(id(), "", options.platform(), spec, labels));
                image.markVerified(Images.verified(options));
                if (!leaveRunning) {
                    client.destroy();
                }
            } catch (IOException e) {
                throw SandboxException.internal("can not write the image: " + Images.explain(e));
            } catch (ImageException e) {
                throw SandboxException.invalid("can not write the image: " + e.getMessage());
            }
            if (!leaveRunning) {
                awaitDeath(DEATH);
            }
            return image;
        }
    }

    /** Waits until a program in the sandbox asks for a checkpoint ({@code /proc/thaw/checkpoint}); false when it ended before. */
    public boolean awaitWish() throws SandboxException {
        try (ControlClient client = connect()) {
            return client.awaitWish();
        }
    }

    /** For tests: has the sandbox stop before its {@code call}-th system call from now on. */
    void setTrap(long call) throws SandboxException {
        try (ControlClient client = connect()) {
            client.trap(call);
        }
    }

    /** Waits until the trap has sprung; false when the sandbox ended before. */
    boolean awaitTrap() throws SandboxException {
        ControlClient client = ControlClient.connect(directory());
        if (client == null) {
            return false;
        }
        try (client) {
            return client.awaitTrap();
        }
    }

    /** Sends a signal to init, or with {@code all} to every process. */
    public void kill(int signal, boolean all) throws SandboxException {
        refresh();
        if (state.status().equals(ContainerState.STOPPED)) {
            throw SandboxException.conflict("container not running");
        }
        try (ControlClient client = connect()) {
            client.signal(0, signal, all);
        }
    }

    /** Waits for the end of the sandbox and returns its exit code; 137 when it was killed from outside. */
    public int waitFor() throws SandboxException {
        ControlClient client = ControlClient.connect(directory());
        if (client != null) {
            try (client) {
                int code = client.waitFor(0);
                if (code >= 0) {
                    return code;
                }
            }
        }
        awaitDeath(Duration.ofSeconds(2));
        Integer code = SandboxProcess.exitCode(directory());
        return code == null ? 128 + SIGKILL : code;
    }

    /** The exit code of a stopped sandbox, null when it is not known (yet). */
    public @Nullable Integer exitCode() throws SandboxException {
        return SandboxProcess.exitCode(directory());
    }

    /** Removes a stopped sandbox; with {@code force} it is killed first. */
    public void delete(boolean force) throws SandboxException {
        try (StateRoot.Lock _ = options.root().lock(id())) {
            refresh();
            if (!state.status().equals(ContainerState.STOPPED)) {
                if (!force && !state.status().equals(ContainerState.CREATED)) {
                    throw SandboxException.conflict(
                            "cannot delete container "
                                    + id()
                                    + " that is not stopped: "
                                    + state.status());
                }
                HostProcess.kill(
                        state.pid(), 15); // the launcher kills sandbox and gofer, then ends
                if (!awaitDeath(DEATH)) {
                    HostProcess.kill(state.pid(), SIGKILL);
                    awaitDeath(DEATH);
                }
            }
            Cgroups.remove(state.cgroupsPath());
            options.root().remove(id());
        }
    }

    /** The processes in the sandbox. */
    public List<ControlClient.ProcessInfo> processes() throws SandboxException {
        try (ControlClient client = connect()) {
            return client.processes();
        }
    }

    /** Memory, processes and time used. */
    public ControlClient.Stats stats() throws SandboxException {
        try (ControlClient client = connect()) {
            return client.stats();
        }
    }

    /** A connection to the live sandbox. */
    ControlClient connect() throws SandboxException {
        ControlClient client = ControlClient.connect(directory());
        if (client == null) {
            throw SandboxException.conflict("container not running");
        }
        return client;
    }

    void store(String status) throws SandboxException {
        state = state.withStatus(status);
        options.root().store(state);
    }

    /** Waits until the launcher is gone (or a zombie, which its parent will reap). */
    private boolean awaitDeath(Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        while (HostProcesses.isAlive(state.pid(), state.pidStart())) {
            if (System.nanoTime() - end > 0) {
                return false;
            }
            LockSupport.parkNanos(1_000_000);
        }
        return true;
    }
}
