package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.ENOSPC;
import static dev.thaw.abi.Errno.ENXIO;
import static dev.thaw.abi.Fcntl.SEEK_DATA;
import static dev.thaw.abi.Fcntl.SEEK_HOLE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.mm.Mappable;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Pages, holes, sizes, and readers that race with truncation. */
final class PageCacheTest {
    private static final int PAGE = 4096;

    private final MemFdMemoryFile memory;
    private final PageQuota quota = new PageQuota(64);
    private final PageCache cache;

    PageCacheTest() throws Exception {
        memory = MemFdMemoryFile.create();
        cache = new PageCache(memory, quota);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    private void write(long offset, int value, int length) throws ErrnoException {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        assertThat(cache.write(IoBuffer.of(bytes), offset, length)).isEqualTo(length);
    }

    private interface Call {
        void run() throws ErrnoException;
    }

    private static int errno(Call call) {
        try {
            call.run();
            return 0;
        } catch (ErrnoException e) {
            return e.errno();
        }
    }

    @Test
    void truncationZeroesTheTailAndGivesPagesBack() throws Exception {
        write(0, 7, 3 * PAGE);
        cache.truncate(PAGE + 100);
        assertThat(quota.used()).isEqualTo(2);
        cache.truncate(3 * PAGE);
        byte[] bytes = new byte[3 * PAGE];
        assertThat(cache.read(IoBuffer.of(bytes), 0)).isEqualTo(3 * PAGE);
        for (int i = 0; i < bytes.length; i++) {
            assertThat(bytes[i]).as("byte " + i).isEqualTo((byte) (i < PAGE + 100 ? 7 : 0));
        }
    }

    @Test
    void mappedPagesAreTheContent() throws Exception {
        write(PAGE, 1, PAGE);
        Mappable.PageRun run = cache.pages(PAGE, PAGE, true);
        memory.view().set(ValueLayout.JAVA_BYTE, run.memoryOffset() + 5, (byte) 9);
        byte[] bytes = new byte[10];
        cache.read(IoBuffer.of(bytes), PAGE);
        assertThat(bytes).containsExactly(1, 1, 1, 1, 1, 9, 1, 1, 1, 1);
        assertThat(errno(() -> cache.pages(2 * PAGE, PAGE, false))).isEqualTo(EFAULT);
        memory.release(run.memoryOffset(), PAGE);
    }

    @Test
    void holesAreFoundAndTheLimitHolds() throws Exception {
        write(10 * PAGE, 3, PAGE);
        assertThat(cache.seekData(0, SEEK_DATA)).isEqualTo(10 * PAGE);
        assertThat(cache.seekData(10 * PAGE, SEEK_HOLE)).isEqualTo(11 * PAGE);
        assertThat(errno(() -> cache.seekData(11 * PAGE, SEEK_DATA))).isEqualTo(ENXIO);
        write(0, 1, 10 * PAGE);
        cache.punch(100, 2 * PAGE);
        assertThat(quota.used()).isEqualTo(10);
        byte[] bytes = new byte[3 * PAGE];
        cache.read(IoBuffer.of(bytes), 0);
        for (int i = 0; i < bytes.length; i++) {
            assertThat(bytes[i])
                    .as("byte " + i)
                    .isEqualTo((byte) (i >= 100 && i < 100 + 2 * PAGE ? 0 : 1));
        }
        assertThat(cache.write(IoBuffer.of(new byte[60 * PAGE]), 100 * PAGE, 60 * PAGE))
                .isEqualTo(54 * PAGE);
        assertThat(errno(() -> cache.write(IoBuffer.of(new byte[PAGE]), 200 * PAGE, PAGE)))
                .isEqualTo(ENOSPC);
    }

    @Test
    void readersNeverSeeAnotherFilesPage() throws Exception {
        PageCache other = new PageCache(memory, null);
        AtomicBoolean stop = new AtomicBoolean();
        AtomicBoolean wrong = new AtomicBoolean();
        Thread reader =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    byte[] bytes = new byte[2 * PAGE];
                                    while (!stop.get()) {
                                        long count = 0;
                                        try {
                                            count = cache.read(IoBuffer.of(bytes), 0);
                                        } catch (ErrnoException _) {
                                            wrong.set(true);
                                        }
                                        for (int i = 0; i < count; i++) {
                                            if (bytes[i] == 2) {
                                                wrong.set(true);
                                            }
                                        }
                                    }
                                });
        byte[] theirs = new byte[2 * PAGE];
        Arrays.fill(theirs, (byte) 2);
        for (int i = 0; i < 3000; i++) {
            write(0, 1, 2 * PAGE);
            cache.truncate(0);
            other.write(IoBuffer.of(theirs), 0, theirs.length);
            other.truncate(0);
        }
        stop.set(true);
        reader.join();
        assertThat(wrong).isFalse();
        assertThat(quota.used()).isZero();
    }
}
