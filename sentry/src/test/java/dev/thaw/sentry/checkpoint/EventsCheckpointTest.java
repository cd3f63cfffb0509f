package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pipes, event descriptors and sockets, full and empty, waited for and not, through two cycles. */
final class EventsCheckpointTest {
    @TempDir Path temp;

    @Test
    void everythingIsWhereItWas() throws Exception {
        Path source = Path.of("it/src/guest/c/events.c");
        if (!Files.exists(source)) {
            source = Path.of("../it/src/guest/c/events.c");
        }
        Path binary = TestSandbox.compile(temp, source);
        Process run = new ProcessBuilder(binary.toString()).start();
        try (TestSandbox sandbox = new TestSandbox("systrap", temp, binary)) {
            sandbox.awaitOutput("ready\n");
            LockSupport.parkNanos(50_000_000);
            sandbox.freezeAndThaw();
            sandbox.freezeAndThaw();
            sandbox.kernel().resume();
            String expected =
                    new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(sandbox.awaitEnd()).isEqualTo(expected).endsWith("done\n");
        }
    }
}
