package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kind of mapping, in two processes that share pages, through cycles of freezing and thawing. */
final class MemoryCheckpointTest {
    private static final String GUEST =
            """
            #define _GNU_SOURCE
            #include <signal.h>
            #include <setjmp.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/mman.h>
            #include <time.h>
            #include <unistd.h>
            #define CHECK(c) do { if (!(c)) { dprintf(1, "line %d: %s\\n", __LINE__, #c); _exit(1); } } while (0)
            enum { PAGES = 600, PAGE = 4096 };
            static sigjmp_buf back;
            static volatile int signals;
            static void handler(int s) { signals++; siglongjmp(back, 1); }
            static int traps(volatile char *p, int write) {
              int before = signals;
              if (!sigsetjmp(back, 1)) { if (write) *p = 1; else (void)*p; }
              return signals != before;
            }
            struct shared { volatile int turn; volatile int done; } *shared;
            int main(void) {
              signal(SIGSEGV, handler); signal(SIGBUS, handler);
              int anon = MAP_PRIVATE | MAP_ANONYMOUS;
              unsigned char *cow = mmap(0, PAGES * PAGE, 3, anon, -1, 0);
              for (int i = 0; i < PAGES; i += 2) cow[i * PAGE] = i % 251 + 1;
              char *none = mmap(0, 4 * PAGE, 3, anon, -1, 0);
              memset(none, 5, 4 * PAGE);
              CHECK(!mprotect(none + PAGE, PAGE, 0) && !mprotect(none + 2 * PAGE, PAGE, 1));
              shared = mmap(0, PAGE, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
              int fd = memfd_create("m", 0);
              CHECK(!ftruncate(fd, 3 * PAGE));
              char *file = mmap(0, 4 * PAGE, 3, MAP_SHARED, fd, 0), *copy = mmap(0, 3 * PAGE, 3, MAP_PRIVATE, fd, 0);
              file[0] = 1; file[PAGE] = 2; CHECK(copy[PAGE] == 2); copy[0] = 9;
              unsigned char *code = mmap(0, PAGE, 3, anon, -1, 0);
              memcpy(code, "\\xb8\\x2a\\0\\0\\0\\xc3", 6);
              CHECK(!mprotect(code, PAGE, 5));
              char *moved = mremap(mmap(0, PAGE, 3, anon, -1, 0), PAGE, 64 * PAGE, MREMAP_MAYMOVE);
              moved[63 * PAGE] = 63;
              char *heap = sbrk(10 * PAGE); heap[5 * PAGE] = 55;
              struct timespec last, now;
              clock_gettime(CLOCK_MONOTONIC, &last);
              int child = fork() == 0;
              int count[PAGES] = {0};
              for (int tick = 0; ; tick++) {
                while (shared->turn != 2 * tick + child) { if (shared->done) _exit(0); usleep(200); }
                clock_gettime(CLOCK_MONOTONIC, &now);
                long ns = (now.tv_sec - last.tv_sec) * 1000000000l + now.tv_nsec - last.tv_nsec;
                CHECK(ns >= 0 && ns < 30000000000l);
                last = now;
                for (int i = 0; i < PAGES; i++) {
                  CHECK(cow[i * PAGE] == (unsigned char)((i & 1 ? 0 : i % 251 + 1) + count[i]));
                  CHECK(cow[i * PAGE + 100] == 0);
                }
                for (int k = 0; k < 7; k++) { int i = (tick * 31 + k * 97 + child) % PAGES; cow[i * PAGE]++; count[i]++; }
                CHECK(none[0] == 5 && traps(none + PAGE, 0) && traps(none + 2 * PAGE, 1) && none[2 * PAGE] == 5);
                CHECK(copy[0] == 9 && file[0] == 1 + (2 * tick + child) % 100 && traps(file + 3 * PAGE, 0));
                file[0] = 1 + (2 * tick + child + 1) % 100;
                CHECK(copy[PAGE] == 2 && moved[63 * PAGE] == 63 && moved[30 * PAGE] == 0 && heap[5 * PAGE] == 55);
                CHECK(((int (*)(void))code)() == 42 && traps((char *)code, 1));
                if (!child) dprintf(1, "tick %d\\n", tick);
                shared->turn++;
              }
            }
            """;

    @TempDir Path temp;

    @ParameterizedTest
    @ValueSource(strings = {"systrap", "ptrace"})
    void everyMappingComesBack(String platform) throws Exception {
        Path source = Files.writeString(temp.resolve("mappings.c"), GUEST);
        try (TestSandbox sandbox =
                new TestSandbox(platform, temp, TestSandbox.compile(temp, source))) {
            sandbox.awaitOutput("tick 10\n");
            for (int cycle = 1; cycle <= 4; cycle++) {
                sandbox.freezeAndThaw();
                if (cycle == 2) {
                    sandbox.freezeAndThaw(); // nothing was touched in between: all is still lazy
                }
                sandbox.kernel().resume();
                sandbox.awaitOutput("tick " + (10 + 20 * cycle) + "\n");
            }
            assertThat(sandbox.output()).doesNotContain("line");
        }
    }
}
