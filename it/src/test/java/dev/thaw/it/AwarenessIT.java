package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a checkpoint and a restore say to the program, ask of it, and notice about the host's files. */
class AwarenessIT {
    private static final String READER =
            "exec 3</data/file; read line <&3; echo got $line; while [ ! -e /tmp/go ]; do sleep 0.05; done; read line <&3; echo then $line";

    /** A program with an open file of the host, in an image; the file is returned. */
    private static Path frozenReader(Runsc runsc, Path image, Path[] bundle) throws Exception {
        Path data = Files.createDirectory(runsc.work().resolve("data"));
        Path file = Files.writeString(data.resolve("file"), "one\ntwo\n");
        String mounts =
                "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"},"
                        + "{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\""
                        + data
                        + "\",\"options\":[\"ro\"]}]";
        bundle[0] = runsc.bundle(mounts, new String[] {"/bin/bash", "-c", READER});
        Path output = runsc.runDetached("a", bundle[0]);
        Runsc.awaitText(output, "got one\n");
        runsc.run("checkpoint", "--image-path", image.toString(), "a").succeeds();
        runsc.run("delete", "--force", "a").succeeds();
        return file;
    }

    @Test
    void changedFile_isRefusedByName_orGoneOnWithWhenAsked() throws Exception {
        try (Runsc runsc = new Runsc("systrap")) {
            Path image = runsc.work().resolve("image");
            Path[] bundle = new Path[1];
            Path file = frozenReader(runsc, image, bundle);
            Files.writeString(file, "one\nTWO and more\n");
            String[] restore = {
                "restore", "--detach", "--image-path", image.toString(), "-b", bundle[0].toString()
            };
            Runsc.Result refused = runsc.run(with(restore, "b"));
            refused.failsWith(1);
            assertThat(refused.err())
                    .contains(file + " has 17 bytes, had 8")
                    .doesNotContain("Exception");
            Path output = runsc.work().resolve("c.out");
            Runsc.Running warned =
                    runsc.start(List.of(with(restore, "--on-changed-files=warn", "c")), output);
            Runsc.Result result = Runsc.await(warned, 60).succeeds();
            assertThat(result.err()).contains(file.toString());
            runsc.run("exec", "c", "touch", "/tmp/go").succeeds();
            assertThat(runsc.awaitExit("c")).isZero();
            assertThat(Runsc.read(output)).isEqualTo("then TWO and more\n");
        }
    }

    private static String[] with(String[] command, String... more) {
        String[] all = java.util.Arrays.copyOf(command, command.length + more.length);
        System.arraycopy(more, 0, all, command.length, more.length);
        return all;
    }

    @Test
    void hooks_runInTheSandbox_andTheirFailureCounts() throws Exception {
        try (Runsc runsc = new Runsc("systrap")) {
            String script =
                    "while [ ! -e /tmp/after ]; do sleep 0.05; done; cat /tmp/before /tmp/after";
            Path bundle = runsc.bundle("/bin/bash", "-c", "echo ready; " + script);
            Path output = runsc.runDetached("a", bundle);
            Runsc.awaitText(output, "ready\n");
            Path image = runsc.work().resolve("image");
            String[] checkpoint = {
                "checkpoint", "--leave-running", "--image-path", image.toString()
            };
            Runsc.Result failed = runsc.run(with(checkpoint, "--pre-hook", "exit 3", "a"));
            assertThat(failed.failsWith(1).err()).contains("pre-hook failed with status 3");
            assertThat(image).doesNotExist();
            Runsc.Result late =
                    runsc.run(
                            with(
                                    checkpoint,
                                    "--pre-hook",
                                    "sleep 60",
                                    "--hook-timeout",
                                    "0.2",
                                    "a"));
            assertThat(late.failsWith(1).err()).contains("pre-hook took longer than 200 ms");
            runsc.run(with(checkpoint, "--pre-hook", "echo before > /tmp/before", "a")).succeeds();
            runsc.run("delete", "--force", "a").succeeds();
            Path after = runsc.work().resolve("b.out");
            Runsc.Running restore =
                    runsc.start(
                            List.of(
                                    "restore",
                                    "--detach",
                                    "--post-hook",
                                    "echo after > /tmp/after; exit 1",
                                    "--hook-failure=ignore",
                                    "--image-path",
                                    image.toString(),
                                    "-b",
                                    bundle.toString(),
                                    "b"),
                            after);
            Runsc.await(restore, 60).succeeds();
            assertThat(runsc.awaitExit("b")).isZero();
            assertThat(Runsc.read(after)).isEqualTo("before\nafter\n");
        }
    }

    @Test
    void programChoosesItsMoment() {
        try (Runsc runsc = new Runsc("systrap")) {
            String script =
                    "echo ready; sleep 1; echo checkpoint > /proc/thaw/checkpoint; sleep 0.5; grep -e generation -e checkpoints /proc/thaw/checkpoint";
            Path bundle = runsc.bundle("/bin/bash", "-c", script);
            Path output = runsc.runDetached("a", bundle);
            Path image = runsc.work().resolve("image");
            runsc.run("checkpoint", "--when-asked", "--image-path", image.toString(), "a")
                    .succeeds();
            assertThat(Runsc.read(output)).isEqualTo("ready\n");
            runsc.run("delete", "--force", "a").succeeds();
            Path after = runsc.restoreDetached("b", image, bundle);
            assertThat(runsc.awaitExit("b")).isZero();
            assertThat(Runsc.read(after)).isEqualTo("generation: 1\ncheckpoints: 1\n");
        }
    }

    /** Each cycle ends all processes of the sandbox and goes on in new ones. */
    @Test
    void tortureOfTheWholeSandbox_isNotSeen() throws Exception {
        String[] program = {"/bin/bash", "-c", "echo $(echo a | tr a b); exit 5"};
        Runsc.Result expected = Native.run(List.of(program));
        try (Runsc runsc = new Runsc("systrap")) {
            Runsc.Result result =
                    runsc.run(
                            with(
                                    new String[] {
                                        "do",
                                        "--TESTONLY-checkpoint=random=1,90",
                                        "--TESTONLY-checkpoint-images=" + runsc.work()
                                    },
                                    program));
            assertThat(result.out()).as(result.err()).isEqualTo(expected.out());
            assertThat(result.status()).as(result.err()).isEqualTo(expected.status());
            try (Stream<Path> left = Files.list(runsc.work())) {
                assertThat(left.map(path -> path.getFileName().toString()))
                        .anyMatch(name -> name.startsWith("cycle"));
            }
        }
    }
}
