package dev.thaw.runsc;

import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.runsc.control.ControlClient;
import dev.thaw.runsc.oci.ProcessConfig;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A command that runs inside a sandbox before a checkpoint, or after one or a restore: to flush what must not be lost, or to take up a new identity. {@code name} is for messages. What it prints goes to
 * the caller's stderr. Past {@code limit} it is killed; its failure fails the operation unless {@code mayFail}.
 */
public record Hook(String name, String command, Duration limit, boolean mayFail) {
    private static final System.Logger LOG = System.getLogger("dev.thaw.runsc");
    private static final int SIGKILL = 9;

    /** Runs the command to its end. */
    public void run(Sandbox sandbox) throws SandboxException {
        String failure = failure(sandbox);
        if (failure.isEmpty()) {
            return;
        }
        if (!mayFail) {
            throw SandboxException.internal(name + " " + failure);
        }
        LOG.log(System.Logger.Level.WARNING, "{0} {1}", name, failure);
    }

    private String failure(Sandbox sandbox) throws SandboxException {
        int nothing = HostFiles.open("/dev/null", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
        ProcessConfig process =
                ProcessConfig.of(
                        List.of("/bin/sh", "-c", command),
                        List.of(
                                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
                        "/");
        try (Sandbox.ExecHandle handle = sandbox.exec(process, new Stdio(nothing, 2, 2))) {
            CountDownLatch ended = new CountDownLatch(1);
            AtomicBoolean late = new AtomicBoolean();
            Thread watch =
                    Thread.ofPlatform()
                            .daemon()
                            .name("hook-limit")
                            .start(() -> killWhenLate(sandbox, handle.pid(), ended, late));
            int code;
            try {
                code = handle.waitFor();
            } finally {
                ended.countDown();
                watch.interrupt();
            }
            if (late.get()) {
                return "took longer than " + limit.toMillis() + " ms";
            }
            return code == 0 ? "" : "failed with status " + code;
        } catch (SandboxException e) {
            if (!mayFail) {
                throw e;
            }
            return "could not run: " + e.getMessage();
        } finally {
            HostFiles.close(nothing);
        }
    }

    private void killWhenLate(Sandbox sandbox, int pid, CountDownLatch ended, AtomicBoolean late) {
        try {
            if (!ended.await(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                late.set(true);
                try (ControlClient client = sandbox.connect()) {
                    client.signal(pid, SIGKILL, false);
                }
            }
        } catch (InterruptedException | SandboxException _) {
            // It ended, or the whole sandbox did.
        }
    }
}
