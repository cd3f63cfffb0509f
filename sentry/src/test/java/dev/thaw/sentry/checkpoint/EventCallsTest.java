package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that print what each call answers, here and on Linux. */
final class EventCallsTest {
    @TempDir Path temp;

    @ParameterizedTest
    @ValueSource(strings = {"event_calls", "socket_calls", "inotify_calls"})
    void answersAreLinuxs(String program) throws Exception {
        Path source = Path.of("it/src/guest/c/" + program + ".c");
        if (!Files.exists(source)) {
            source = Path.of("../it/src/guest/c/" + program + ".c");
        }
        Path binary = TestSandbox.compile(temp, source);
        Process run = new ProcessBuilder(binary.toString()).start();
        String expected = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try (TestSandbox sandbox = new TestSandbox("systrap", temp, binary)) {
            assertThat(sandbox.awaitEnd()).isEqualTo(expected).hasSizeGreaterThan(500);
        }
    }
}
