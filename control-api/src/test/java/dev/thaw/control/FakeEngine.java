package dev.thaw.control;

import dev.thaw.control.engine.EngineException;
import dev.thaw.control.engine.EngineException.Kind;
import dev.thaw.control.engine.EngineSandbox;
import dev.thaw.control.engine.ExecConfig;
import dev.thaw.control.engine.ImageInfo;
import dev.thaw.control.engine.SandboxConfig;
import dev.thaw.control.engine.SandboxEngine;
import dev.thaw.host.HostProcess;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Profile;

/** Runs "sandboxes" as plain processes of the host, so that everything around the engine is tested with real pipes and real ends. */
final class FakeEngine implements SandboxEngine {
    @TestConfiguration(proxyBeanMethods = false)
    @Profile("fake")
    static class Config {
        @Bean
        FakeEngine fakeEngine() {
            return new FakeEngine();
        }
    }

    final Set<String> images = ConcurrentHashMap.newKeySet();
    private final AtomicInteger numbers = new AtomicInteger();
    final Set<Integer> alive = ConcurrentHashMap.newKeySet();

    /** What the next operation fails with. */
    volatile @Nullable EngineException next;

    private void fail() throws EngineException {
        EngineException e = next;
        next = null;
        if (e != null) {
            throw e;
        }
    }

    @Override
    public EngineSandbox start(
            String id, SandboxConfig config, int stdinFd, int stdoutFd, int stderrFd)
            throws EngineException {
        fail();
        return new Process(spawn(config.command(), config.env(), stdinFd, stdoutFd, stderrFd));
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
        if (!images.contains(imageId)) {
            throw new EngineException(Kind.NOT_FOUND, "no image " + imageId, null);
        }
        return start(id, config, stdinFd, stdoutFd, stderrFd);
    }

    @Override
    public void deleteImage(String imageId) throws EngineException {
        fail();
        images.remove(imageId);
    }

    @Override
    public void forget(String id) {}

    @Override
    public void close() {}

    private int spawn(List<String> command, Map<String, String> env, int in, int out, int err)
            throws EngineException {
        String[] environment =
                env.entrySet().stream()
                        .map(e -> e.getKey() + "=" + e.getValue())
                        .toArray(String[]::new);
        int pid =
                HostProcess.spawn(
                        command.getFirst(),
                        command.toArray(new String[0]),
                        environment,
                        in,
                        out,
                        err);
        if (pid < 0) {
            throw new EngineException(Kind.INVALID, command.getFirst() + ": errno " + -pid, null);
        }
        alive.add(pid);
        return pid;
    }

    private final class Process implements EngineSandbox {
        private final int pid;

        Process(int pid) {
            this.pid = pid;
        }

        @Override
        public int pid() {
            return pid;
        }

        @Override
        public int reap() {
            int[] status = new int[1];
            HostProcess.waitpid(pid, 0, status);
            alive.remove(pid);
            return HostProcess.exitCode(status[0]);
        }

        @Override
        public void pause() throws EngineException {
            fail();
            HostProcess.kill(pid, 19);
        }

        @Override
        public void resume() throws EngineException {
            fail();
            HostProcess.kill(pid, 18);
        }

        @Override
        public ImageInfo checkpoint(boolean leaveRunning) throws EngineException {
            fail();
            String imageId = "image" + numbers.incrementAndGet();
            images.add(imageId);
            if (!leaveRunning) {
                destroy();
            }
            return new ImageInfo(imageId, 1000, 100, 5_000_000);
        }

        @Override
        public Exec exec(ExecConfig config, int stdinFd, int stdoutFd, int stderrFd)
                throws EngineException {
            fail();
            int child = spawn(config.command(), config.env(), stdinFd, stdoutFd, stderrFd);
            CompletableFuture<Integer> exit =
                    CompletableFuture.supplyAsync(() -> new Process(child).reap());
            return new Exec() {
                @Override
                public CompletableFuture<Integer> exitCode() {
                    return exit;
                }

                @Override
                public void kill() {
                    HostProcess.kill(child, 9);
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public void destroy() {
            HostProcess.kill(pid, 9);
        }
    }
}
