package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real guests on a real platform, frozen and thawed. */
final class KernelCheckpointTest {
    private static final String COUNTER =
            """
            #include <stdio.h>
            #include <stdlib.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
              size_t words = (size_t)atoi(argv[1]) << 17;
              unsigned long *m = malloc(words * 8);
              for (size_t i = 0; i < words; i++) m[i] = i * 0x9e3779b97f4a7c15u;
              for (int tick = 0; tick < 1000000; tick++) {
                for (size_t i = 0; i < words; i += 512) {
                  if (m[i] != i * 0x9e3779b97f4a7c15u) { dprintf(1, "memory is wrong at %zu\\n", i); return 1; }
                }
                dprintf(1, "tick %d\\n", tick);
                usleep(1000);
              }
            }
            """;

    @TempDir Path temp;

    @Test
    void aCounterGoesOnThroughTenCycles() throws Exception {
        Path source = Files.writeString(temp.resolve("counter.c"), COUNTER);
        try (TestSandbox sandbox =
                new TestSandbox("systrap", temp, TestSandbox.compile(temp, source), "8")) {
            sandbox.awaitOutput("tick 5\n");
            for (int cycle = 1; cycle <= 10; cycle++) {
                sandbox.freezeAndThaw();
                sandbox.kernel().resume();
                sandbox.awaitOutput("tick " + (5 + 5 * cycle) + "\n");
            }
            String[] lines = sandbox.output().split("\n");
            for (int i = 0; i < lines.length; i++) {
                assertThat(lines[i]).isEqualTo("tick " + i);
            }
        }
    }

    /** Two cycles without a step of the guest between them must keep everything, floating-point state too. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "sleep",
                "read",
                "futex",
                "futex-timeout",
                "epoll",
                "poll",
                "select",
                "wait4",
                "itimer",
                "posix-timer",
                "timerfd",
                "pending",
                "full-pipe",
                "shared"
            })
    void aBlockedGuestGoesOn(String mode) throws Exception {
        Path source =
                Path.of(System.getProperty("user.dir")).resolve("../it/src/guest/c/blocked.c");
        if (!Files.exists(source)) {
            source = Path.of("it/src/guest/c/blocked.c");
        }
        Path binary = TestSandbox.compile(temp, source);
        Process run = new ProcessBuilder(binary.toString(), mode).start();
        try (TestSandbox sandbox = new TestSandbox("systrap", temp, binary, mode)) {
            sandbox.awaitOutput("ready\n");
            LockSupport.parkNanos(20_000_000);
            sandbox.freezeAndThaw();
            sandbox.freezeAndThaw();
            sandbox.kernel().resume();
            String expected =
                    new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(sandbox.awaitEnd()).isEqualTo(expected);
        }
    }
}
