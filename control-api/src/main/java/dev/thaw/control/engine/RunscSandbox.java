package dev.thaw.control.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.control.engine.EngineException.Kind;
import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Sandboxes;
import dev.thaw.runsc.Stdio;
import dev.thaw.runsc.control.ControlClient;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A sandbox that {@link RunscEngine} started. */
final class RunscSandbox implements EngineSandbox {
    private static final Logger LOG = LoggerFactory.getLogger(RunscSandbox.class);
    private static final int SIGKILL = 9;

    private final RunscEngine engine;
    private final Sandboxes sandboxes;
    private final String id;
    private final int pid;
    private final ReentrantLock mu = new ReentrantLock();

    @GuardedBy("mu")
    private final Sandboxes.Started started;

    RunscSandbox(RunscEngine engine, Sandboxes sandboxes, Sandboxes.Started started) {
        this.engine = engine;
        this.sandboxes = sandboxes;
        this.started = started;
        this.id = started.state().id();
        this.pid = started.process().pid();
    }

    @Override
    public int pid() {
        return pid;
    }

    @Override
    public int reap() {
        mu.lock();
        try {
            int code = started.process().waitFor();
            started.process().close();
            return code;
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void destroy() {
        mu.lock();
        try {
            started.process().close(); // ends the lifeline, and with it everything
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void pause() throws EngineException {
        try {
            sandbox().pause();
        } catch (SandboxException e) {
            throw RunscEngine.wrap(e);
        }
    }

    @Override
    public void resume() throws EngineException {
        try {
            sandbox().resume();
        } catch (SandboxException e) {
            throw RunscEngine.wrap(e);
        }
    }

    @Override
    public ImageInfo checkpoint(boolean leaveRunning) throws EngineException {
        return engine.checkpoint(sandbox(), leaveRunning);
    }

    @Override
    public Exec exec(ExecConfig config, int stdinFd, int stdoutFd, int stderrFd)
            throws EngineException {
        try {
            Sandbox sandbox = sandbox();
            Sandbox.ExecHandle handle =
                    sandbox.exec(
                            RunscEngine.process(config.command(), config.env(), config.cwd()),
                            new Stdio(stdinFd, stdoutFd, stderrFd));
            CompletableFuture<Integer> exit = new CompletableFuture<>();
            Thread.ofPlatform()
                    .daemon()
                    .name("exec-" + id)
                    .start(
                            () -> {
                                try (handle) { // this thread's alone from here on
                                    exit.complete(handle.waitFor());
                                } catch (SandboxException | RuntimeException e) {
                                    exit.completeExceptionally(e);
                                }
                            });
            return new RunscExec(sandbox, handle.pid(), exit);
        } catch (SandboxException e) {
            throw RunscEngine.wrap(e);
        }
    }

    private Sandbox sandbox() throws EngineException {
        try {
            return sandboxes.get(id);
        } catch (SandboxException e) {
            throw new EngineException(Kind.CONFLICT, "sandbox " + id + " has ended", e);
        }
    }

    private record RunscExec(Sandbox sandbox, int pid, CompletableFuture<Integer> exitCode)
            implements Exec {
        @Override
        public void kill() {
            try {
                ControlClient client = ControlClient.connect(sandbox.directory());
                if (client != null) {
                    try (client) {
                        client.signal(pid, SIGKILL, false);
                    }
                }
            } catch (SandboxException e) {
                LOG.info("killing process {} of {}: {}", pid, sandbox.id(), e.getMessage());
            }
        }

        @Override
        public void close() {}
    }
}
