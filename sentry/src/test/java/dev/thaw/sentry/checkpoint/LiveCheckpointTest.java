package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.state.ImageException;
import dev.thaw.state.image.ImageCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Guests that write all the time, to memory of every kind, while they are checkpointed. Each write first checks that the one before it is there, so that an image of two moments shows. */
final class LiveCheckpointTest {
    private static final String GUEST =
            """
            #define _GNU_SOURCE
            #include <stdio.h>
            #include <stdlib.h>
            #include <sys/mman.h>
            #include <unistd.h>
            #define CHECK(c) do { if (!(c)) { dprintf(1, "wrong: line %d: %s, page %ld, round %ld, child %d\\n", __LINE__, #c, i, round, child); _exit(1); } } while (0)
            enum { PAGES = 768, WORDS = 512 };
            static long own[PAGES][WORDS];
            int main(void) {
              long bytes = PAGES * sizeof own[0];
              long (*shared)[WORDS] = mmap(0, bytes, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
              int fd = memfd_create("file", 0);
              ftruncate(fd, bytes);
              long (*file)[WORDS] = mmap(0, bytes, 3, MAP_SHARED, fd, 0);
              long (*copy)[WORDS] = mmap(0, bytes, 3, MAP_PRIVATE, fd, 0);
              for (long i = 0; i < PAGES; i++) copy[i][7] = own[i][7] = i;
              int child = fork() == 0;
              for (long round = 1; ; round++) {
                for (long i = child; i < PAGES; i += 2) CHECK(shared[i][3] == round - 1);
                long *fresh = mmap(0, 64 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                for (long k = 0; k < PAGES; k++) {
                  long i = round % 3 ? k : k * 769 % PAGES, at = (round + i) % 3, value = -1;
                  CHECK(own[i][at] == (round > 3 ? round - 3 : 0) && own[i][7] == i);
                  own[i][at] = round;
                  CHECK(copy[i][at] == (round > 3 ? round - 3 : 0) && copy[i][7] == i);
                  copy[i][at] = round;
                  if (i % 2 == child) {
                    CHECK(shared[i][3] == round - 1);
                    shared[i][3] = round;
                    CHECK(pread(fd, &value, 8, i * 4096 + 8) == 8 && value == round - 1);
                    CHECK(pwrite(fd, &round, 8, i * 4096 + 8) == 8 && file[i][1] == round);
                    CHECK(file[i][2] == 3 * (round - 1));
                    file[i][2] = 3 * round;
                  }
                  CHECK(fresh[i % 64 * 512] == 0 || fresh[i % 64 * 512] == round * 1000 + i - 64 || round % 3 == 0);
                  fresh[i % 64 * 512] = round * 1000 + i;
                }
                long i = 0;
                CHECK(!munmap(fresh, 64 * 4096));
                if (!child) dprintf(1, "round %ld.\\n", round);
              }
            }
            """;

    /** Changes few pages of many, and knows what each must be. */
    private static final String SPARSE =
            """
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/mman.h>
            #include <unistd.h>
            enum { PAGES = 3000, WORDS = 512 };
            static int count[PAGES];
            int main(void) {
              unsigned long seed = 1;
              long (*memory)[WORDS] = mmap(0, PAGES * sizeof *memory, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              for (long i = 0; i < PAGES; i++) if (i % 5) for (long w = 0; w < WORDS; w++) memory[i][w] = seed = seed * 6364136223846793005ul + 1;
              for (long i = 0; i < PAGES; i++) memory[i][9] = 0;
              for (long round = 1; ; round++) {
                for (int k = 0; k < 8; k++) {
                  seed = seed * 6364136223846793005ul + 1442695040888963407ul;
                  long i = seed >> 33 & 1 ? (seed >> 40) % PAGES : (seed >> 40) % 40;
                  if (seed >> 34 & 1) { memset(memory[i], 0, 4096); count[i] = 0; }
                  else memory[i][9] = ++count[i];
                }
                for (long i = 0; i < PAGES; i++)
                  if (memory[i][9] != count[i]) { dprintf(1, "wrong: page %ld is %ld, not %d\\n", i, memory[i][9], count[i]); _exit(1); }
                if (round % 8 == 0) munmap(memory[(seed >> 20) % 100 + 100], 4096), mmap(memory[(seed >> 20) % 100 + 100], 4096, 3, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), count[(seed >> 20) % 100 + 100] = 0;
                dprintf(1, "round %ld.\\n", round);
                usleep(5000);
              }
            }
            """;

    @TempDir static Path compiled;
    @TempDir Path temp;
    private static Path binary;

    @BeforeAll
    static void compile() throws Exception {
        Path source = Files.writeString(compiled.resolve("guest.c"), GUEST);
        binary = TestSandbox.compile(compiled, source);
    }

    @ParameterizedTest
    @ValueSource(strings = {"systrap", "ptrace"})
    void everyImageIsOfOneMoment(String platform) throws Exception {
        try (TestSandbox sandbox = new TestSandbox(platform, temp, binary)) {
            sandbox.awaitOutput("round 3.");
            long copied = 0;
            for (int cycle = 0; cycle < 4; cycle++) {
                Checkpointer.Saved saved = sandbox.saveLive();
                copied += saved.copied();
                assertThat(sandbox.kernel().isPaused()).isFalse();
                sandbox.awaitMore(2); // the source is as it was, too
                sandbox.thawLast();
                sandbox.kernel().resume();
                sandbox.awaitMore(4);
            }
            assertThat(sandbox.output()).doesNotContain("wrong");
            assertThat(copied).isPositive();
        }
    }

    @Test
    void failedImage_doesNotTouchTheGuest() throws Exception {
        try (TestSandbox sandbox = new TestSandbox("systrap", temp, binary)) {
            sandbox.awaitOutput("round 3.");
            int readOnly = HostFiles.open(binary.toString(), Fcntl.O_RDONLY, 0);
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(
                                () ->
                                        Checkpointer.save(
                                                sandbox.kernel(),
                                                true,
                                                readOnly,
                                                readOnly,
                                                -1,
                                                ImageCodec.plain()))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("can not be written");
                sandbox.awaitMore(1);
            }
            HostFiles.close(readOnly);
            sandbox.saveLive();
            sandbox.thawLast();
            sandbox.kernel().resume();
            sandbox.awaitMore(4);
            assertThat(sandbox.output()).doesNotContain("wrong");
        }
    }

    @Test
    void chainOfChanges_isTheWhole() throws Exception {
        Path source = Files.writeString(temp.resolve("sparse.c"), SPARSE);
        Path sparse = TestSandbox.compile(temp, source);
        try (TestSandbox sandbox = new TestSandbox("systrap", temp, sparse)) {
            sandbox.awaitOutput("round 3.");
            Checkpointer.Saved first = sandbox.saveLive();
            for (int generation = 0; generation < 12; generation++) {
                sandbox.awaitMore(2);
                Checkpointer.Saved next = sandbox.saveChanges();
                assertThat(next.bytes()).isLessThan(first.bytes() / 4);
                assertThat(next.pages()).isCloseTo(first.pages(), within(200L));
                if (generation % 3 == 2) {
                    sandbox.thawLast();
                    sandbox.kernel().resume();
                    if (generation == 5) {
                        new BackgroundReader(sandbox.kernel().memory()).run();
                        assertThat(sandbox.kernel().memory().isLazy()).isFalse();
                    }
                    sandbox.awaitMore(2);
                }
            }
            assertThat(sandbox.output()).doesNotContain("wrong");
        }
    }

    @Test
    void changesSinceAnotherImage_areRefused() throws Exception {
        try (TestSandbox sandbox = new TestSandbox("systrap", temp, binary)) {
            sandbox.awaitOutput("round 1.");
            int meta = HostFiles.open(binary.toString(), Fcntl.O_RDONLY, 0);
            assertThatThrownBy(
                            () ->
                                    Checkpointer.save(
                                            sandbox.kernel(),
                                            true,
                                            meta,
                                            meta,
                                            -1,
                                            meta,
                                            ImageCodec.plain()))
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining("neither the last image");
            HostFiles.close(meta);
            sandbox.awaitMore(1);
        }
    }
}
