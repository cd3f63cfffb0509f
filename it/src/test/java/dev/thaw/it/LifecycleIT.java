package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The OCI life cycle by the command line, and what happens when a part of a sandbox is killed. */
class LifecycleIT {
    @Test
    void createStartKillDelete() {
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle = runsc.bundle("/bin/busybox", "sh", "-c", "echo started; exec sleep 1000");
            Path output = runsc.work().resolve("out");
            Path pidFile = runsc.work().resolve("pid");
            Runsc.await(
                            runsc.start(
                                    List.of(
                                            "create",
                                            "--bundle",
                                            bundle.toString(),
                                            "--pid-file",
                                            pidFile.toString(),
                                            "a"),
                                    output),
                            60)
                    .succeeds();
            assertThat(runsc.run("state", "a").succeeds().out())
                    .contains("\"created\"")
                    .contains("\"ociVersion\"");
            assertThat(Runsc.read(output)).isEmpty();
            assertThat(Path.of("/proc", Runsc.read(pidFile).strip())).exists();
            runsc.run("start", "a").succeeds();
            Runsc.awaitText(output, "started");
            assertThat(runsc.run("state", "a").succeeds().out()).contains("\"running\"");
            assertThat(runsc.run("list").succeeds().out()).contains("a").contains("running");
            assertThat(runsc.run("ps", "a").succeeds().out()).contains("sleep");
            assertThat(runsc.run("delete", "a").status()).isNotZero();
            runsc.run("kill", "a", "KILL").succeeds();
            assertThat(runsc.awaitExit("a")).isEqualTo(128 + 9);
            assertThat(runsc.run("state", "a").succeeds().out()).contains("\"stopped\"");
            runsc.run("delete", "a").succeeds();
            assertThat(runsc.run("state", "a").status()).isNotZero();
        }
    }

    @Test
    void exec_sharesTheSandbox() {
        try (Runsc runsc = new Runsc("systrap")) {
            Path output =
                    runsc.runDetached(
                            "a",
                            runsc.bundle(
                                    "/bin/busybox",
                                    "sh",
                                    "-c",
                                    "echo secret > /tmp/f; echo up; exec sleep 1000"));
            Runsc.awaitText(output, "up");
            Runsc.Result result =
                    runsc.run("exec", "a", "/bin/busybox", "sh", "-c", "cat /tmp/f; exit 9");
            assertThat(result.out()).isEqualTo("secret\n");
            assertThat(result.status()).isEqualTo(9);
            assertThat(
                            runsc.run(
                                            "exec",
                                            "--env",
                                            "X=y",
                                            "--cwd",
                                            "/tmp",
                                            "a",
                                            "/bin/busybox",
                                            "sh",
                                            "-c",
                                            "echo $X $PWD")
                                    .succeeds()
                                    .out())
                    .isEqualTo("y /tmp\n");
        }
    }

    @Test
    void pause_stopsAndResumeGoesOn() {
        try (Runsc runsc = new Runsc("systrap")) {
            Path output =
                    runsc.runDetached(
                            "a",
                            runsc.bundle(
                                    "/bin/busybox",
                                    "sh",
                                    "-c",
                                    "while :; do echo x; sleep 0.01; done"));
            Runsc.awaitGrowth(output, 20);
            runsc.run("pause", "a").succeeds();
            assertThat(runsc.run("state", "a").succeeds().out()).contains("\"paused\"");
            int length = Runsc.read(output).length();
            Runsc.pause(300);
            assertThat(Runsc.read(output)).hasSize(length);
            runsc.run("resume", "a").succeeds();
            Runsc.awaitGrowth(output, length);
        }
    }

    @Test
    void exitStatusAndStreams_passThrough() {
        try (Runsc runsc = new Runsc("systrap")) {
            Runsc.Result result =
                    runsc.runDo("/bin/busybox", "sh", "-c", "echo out; echo err >&2; exit 42");
            assertThat(result.out()).isEqualTo("out\n");
            assertThat(result.err()).isEqualTo("err\n");
            assertThat(result.status()).isEqualTo(42);
            assertThat(runsc.runDo("/bin/busybox", "sh", "-c", "kill -9 $$").status())
                    .isEqualTo(137);
            runsc.runDo(
                            "/bin/busybox",
                            "sh",
                            "-c",
                            "echo evil > /etc/thaw-was-here && cat /etc/thaw-was-here")
                    .succeeds();
            assertThat(Path.of("/etc/thaw-was-here")).doesNotExist();
        }
    }

    @Test
    void spec_isABundleThatRuns() throws Exception {
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle = Files.createDirectory(runsc.work().resolve("spec"));
            runsc.run("spec", "--bundle", bundle.toString()).succeeds();
            assertThat(Runsc.read(bundle.resolve("config.json"))).contains("ociVersion");
            assertThat(runsc.run("help", "syscalls").succeeds().out())
                    .contains("openat")
                    .contains("read")
                    .contains("clone");
        }
    }

    @Test
    void killedSandboxGoferOrStub_leavesNoProcess() {
        for (String victim : List.of("sandbox", "gofer", "stub")) {
            try (Runsc runsc = new Runsc("systrap")) {
                Path output =
                        runsc.runDetached(
                                "a",
                                runsc.bundle(
                                        "/bin/busybox", "sh", "-c", "sleep 1000 & echo up; wait"));
                Runsc.awaitText(output, "up");
                List<String> before = Processes.descendants(runsc.sandboxPid("a"));
                assertThat(before).isNotEmpty();
                Processes.kill(runsc, "a", victim);
                Processes.awaitGone(before);
                assertThat(runsc.run("state", "a").succeeds().out()).contains("\"stopped\"");
                runsc.run("delete", "a").succeeds();
            }
        }
    }
}
