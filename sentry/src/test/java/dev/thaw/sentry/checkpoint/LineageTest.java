package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A program is told of checkpoints and restores, and is another one afterwards. */
final class LineageTest {
    @TempDir Path temp;

    private Path guest() throws Exception {
        Path source = Path.of("it/src/guest/c/lineage.c");
        return TestSandbox.compile(
                temp, Files.exists(source) ? source : Path.of("../").resolve(source));
    }

    @Test
    void aRestoredProgramIsToldAndRenewed() throws Exception {
        try (TestSandbox sandbox = new TestSandbox("systrap", temp, guest(), "2")) {
            for (int round = 1; round <= 2; round++) {
                int expected = round;
                sandbox.awaitOutput("quiet 0\nready\n");
                while (sandbox.output().split("ready\n", -1).length <= expected) {
                    Thread.onSpinWait();
                }
                sandbox.freezeAndThaw();
                sandbox.kernel().resume();
            }
            String round =
                    "quiet 0\nready\ntold 1 3\ncheckpoints +1 restored 1\n"
                            + "generation +1 parent 1 id 1 boot id 1 random 1\ntimes 1 1\n";
            assertThat(sandbox.awaitEnd())
                    .isEqualTo("asked 13 refused -1\n" + round + round + "done\n");
        }
    }

    @Test
    void aProgramAsksAndTheCheckpointThatLeavesItRunningIsNoRestore() throws Exception {
        try (TestSandbox sandbox = new TestSandbox("systrap", temp, guest(), "1", "ask")) {
            assertThat(sandbox.kernel().lineage().wish().get(20, TimeUnit.SECONDS)).isTrue();
            sandbox.save();
            sandbox.kernel().resume();
            assertThat(sandbox.awaitEnd())
                    .endsWith(
                            "told 1 3\ncheckpoints +1 restored 0\nsame id 1 boot id 1 random 1\ndone\n");
            assertThat(sandbox.kernel().lineage().wish()).isNotDone();
        }
    }
}
