package dev.thaw.sentry.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A process that takes memory without end ends alone. */
class MemoryLimitTest {
    private static final String GREEDY =
            """
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/wait.h>
            #include <unistd.h>
            int main(void) {
              char *mine = malloc(4 << 20);
              memset(mine, 7, 4 << 20);
              for (int round = 0; round < 3; round++) {
                pid_t child = fork();
                if (!child)
                  for (;;) {
                    char *p = malloc(1 << 20);
                    if (p) memset(p, 1, 1 << 20);
                  }
                int status;
                waitpid(child, &status, 0);
                for (int i = 0; i < 4 << 20; i += 4096)
                  if (mine[i] != 7) return 1;
                printf("%d\\n", WIFSIGNALED(status) ? WTERMSIG(status) : -status);
                fflush(stdout);
              }
              return 0;
            }
            """;

    @Test
    void theGreedyProcessIsKilledAndItsParentGoesOn() throws Exception {
        try (GuestRunner runner = new GuestRunner(false, 0, 48 << 20)) {
            runner.install(GuestRunner.compile("greedy", GREEDY), "/greedy");
            assertThat(runner.run("/greedy")).isZero();
            assertThat(runner.text()).isEqualTo("9\n9\n9\n");
            assertThat(runner.kernel.memory().residentBytes()).isLessThan(60 << 20);
        }
    }
}
