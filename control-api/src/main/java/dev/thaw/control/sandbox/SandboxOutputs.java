package dev.thaw.control.sandbox;

import dev.thaw.control.ControlProperties;
import dev.thaw.control.StartupException;
import dev.thaw.control.StateLock;
import dev.thaw.control.engine.EngineException;
import dev.thaw.control.engine.EngineSandbox;
import dev.thaw.control.engine.ExecConfig;
import dev.thaw.control.host.DescriptorLoop;
import dev.thaw.control.host.HostIo;
import jakarta.annotation.PreDestroy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** The output of sandboxes: a pipe for each stream, read by the descriptor loop into a bounded file. Also sees to it that the end of a process is noticed. */
@Component
public class SandboxOutputs {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxOutputs.class);
    private static final int EXEC_OUTPUT = 1 << 20;
    private static final Duration LAST_OUTPUT = Duration.ofMillis(500);

    private final Path directory;
    private final long limit;
    private final DescriptorLoop loop;

    public SandboxOutputs(ControlProperties properties, StateLock lock) {
        assert lock != null; // held before logs of an earlier server are removed
        this.directory = properties.stateDirectory().resolve("logs");
        this.limit = Math.max(4096, properties.logLimit().toBytes());
        try {
            Files.createDirectories(directory);
            try (var old =
                    Files.newDirectoryStream(
                            directory, "*.{out,err,log}")) { // of a server that was killed
                for (Path file : old) {
                    Files.deleteIfExists(file);
                }
            }
            this.loop = new DescriptorLoop();
        } catch (IOException e) {
            throw new StartupException(
                    "The state directory " + directory + " can not be used: " + e.getMessage(),
                    "Check thaw.control.state-directory.");
        }
    }

    /** A new sandbox's stdio: what it is given, and where its output goes. */
    record Output(int stdin, int stdoutWrite, int stderrWrite, LogFile stdout, LogFile stderr) {
        /** Closes this process's copies of what the sandbox was given; when it ends, the pipes end. */
        void closeGivenAway() {
            HostIo.close(stdin);
            HostIo.close(stdoutWrite);
            HostIo.close(stderrWrite);
        }
    }

    Output open(String id) throws IOException {
        LogFile stdout = new LogFile(directory.resolve(id + ".out"), limit);
        LogFile stderr = new LogFile(directory.resolve(id + ".err"), limit);
        int[] out = HostIo.pipe();
        loop.pump(out[0], new LogSink(stdout));
        int[] err = HostIo.pipe();
        loop.pump(err[0], new LogSink(stderr));
        return new Output(HostIo.nothing(), out[1], err[1], stdout, stderr);
    }

    /** Calls {@code ended}, on the loop's thread, when process {@code pid} has ended. */
    void watch(int pid, Runnable ended) throws IOException {
        loop.watch(HostIo.processDescriptor(pid), ended);
    }

    /** Runs a program in a sandbox, with its output in memory. */
    ExecResult exec(EngineSandbox sandbox, ExecConfig config, Duration timeout)
            throws EngineException, IOException, InterruptedException {
        BoundedSink stdout = new BoundedSink(EXEC_OUTPUT);
        BoundedSink stderr = new BoundedSink(EXEC_OUTPUT);
        int[] out = HostIo.pipe();
        loop.pump(out[0], stdout);
        int[] err = HostIo.pipe();
        loop.pump(err[0], stderr);
        int stdin = HostIo.nothing();
        EngineSandbox.Exec exec;
        try {
            exec = sandbox.exec(config, stdin, out[1], err[1]);
        } finally {
            HostIo.close(stdin);
            HostIo.close(out[1]);
            HostIo.close(err[1]);
        }
        try (exec) {
            boolean timedOut = false;
            int code;
            try {
                code = exec.exitCode().get(timeout.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                timedOut = true;
                exec.kill();
                code = 137;
            } catch (ExecutionException e) {
                throw new IOException("the sandbox ended", e);
            }
            stdout.await(LAST_OUTPUT); // a child of the program may hold the pipe open for longer
            stderr.await(LAST_OUTPUT);
            return new ExecResult(
                    code,
                    stdout.text(),
                    stderr.text(),
                    stdout.isTruncated() || stderr.isTruncated(),
                    timedOut);
        }
    }

    /** What the sandbox's own processes had to say, from {@code offset} on. */
    SandboxService.LogPart runtime(ManagedSandbox sandbox, long offset, int most)
            throws IOException {
        Path file = directory.resolve(sandbox.id + ".log");
        boolean ended = sandbox.status() == SandboxStatus.STOPPED;
        if (!Files.exists(file)) {
            return new SandboxService.LogPart(0, new byte[0], 0, ended);
        }
        try (FileChannel channel = FileChannel.open(file)) {
            long total = channel.size();
            long from = Math.min(total, Math.max(0, offset < 0 ? total + offset : offset));
            ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(most, total - from));
            while (bytes.hasRemaining() && channel.read(bytes, from + bytes.position()) >= 0) {
                // again until it is full
            }
            byte[] read = Arrays.copyOf(bytes.array(), bytes.position());
            return new SandboxService.LogPart(
                    from, read, from + read.length, ended && from + read.length == total);
        }
    }

    /** Removes the output of a sandbox that was never made. */
    void discard(String id, @Nullable Output output) {
        close(output == null ? null : output.stdout);
        close(output == null ? null : output.stderr);
        delete(id);
    }

    /** Removes a sandbox's output. */
    void remove(ManagedSandbox sandbox) {
        close(sandbox.stdout);
        close(sandbox.stderr);
        delete(sandbox.id);
    }

    private static void close(@Nullable LogFile file) {
        try {
            if (file != null) {
                file.close();
            }
        } catch (IOException e) {
            LOG.warn("closing a log: {}", e.getMessage());
        }
    }

    private void delete(String id) {
        try {
            Files.deleteIfExists(directory.resolve(id + ".out"));
            Files.deleteIfExists(directory.resolve(id + ".err"));
            Files.deleteIfExists(directory.resolve(id + ".log"));
        } catch (IOException e) {
            LOG.warn("removing the log of {}: {}", id, e.getMessage());
        }
    }

    @PreDestroy
    void close() {
        loop.close();
    }

    private record LogSink(LogFile file) implements DescriptorLoop.Sink {
        @Override
        public void data(ByteBuffer bytes) {
            try {
                file.append(bytes);
            } catch (IOException e) { // the guest must not stop because our disk is full
                LOG.warn("output of a sandbox is lost: {}", e.getMessage());
            }
        }

        @Override
        public void end() {
            file.end();
        }
    }
}
