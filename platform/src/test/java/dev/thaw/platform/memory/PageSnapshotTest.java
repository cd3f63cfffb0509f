package dev.thaw.platform.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PageSnapshotTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 1000;
    private static final int STRETCH = 64;

    private MemFdMemoryFile file;
    private long base;

    @BeforeEach
    void create() throws Exception {
        file = MemFdMemoryFile.create(1L << 30);
        base = file.allocate(PAGES, 1);
        for (int i = 0; i < PAGES; i++) {
            if (i % 7 != 0) { // those are never written
                set(i, i);
            }
        }
    }

    @AfterEach
    void close() {
        file.close();
    }

    private void set(int page, long value) {
        long at = base + (long) page * PAGE;
        file.beforeWrite(at + 8, 8);
        file.view().set(ValueLayout.JAVA_LONG, at + 8, value);
    }

    /** Reads a stretch; the value of page {@code i} is at {@code values[i]}, 0 for one that is left out. */
    private static void read(PageSnapshot snapshot, int stretch, long mask, long[] values)
            throws Exception {
        byte[] raw = new byte[STRETCH * PAGE];
        long there = snapshot.read(stretch, mask, raw);
        assertThat(there & ~mask).isZero();
        int at = 0;
        for (long left = there; left != 0; left &= left - 1, at += PAGE) {
            values[stretch * STRETCH + Long.numberOfTrailingZeros(left)] =
                    java.nio.ByteBuffer.wrap(raw)
                            .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                            .getLong(at + 8);
        }
    }

    private int first() {
        return (int) (base / PAGE);
    }

    @Test
    void read_givesTheMomentWhileOthersWriteAndGiveBack() throws Exception {
        for (int round = 0; round < 20; round++) {
            long[] before = new long[PAGES];
            for (int i = 0; i < PAGES; i++) {
                before[i] = file.view().get(ValueLayout.JAVA_LONG, base + (long) i * PAGE + 8);
            }
            PageSnapshot snapshot = file.snapshot(null);
            AtomicBoolean stop = new AtomicBoolean();
            Random random = new Random(round);
            CompletableFuture<Void> writer =
                    CompletableFuture.runAsync(
                            () -> {
                                while (!stop.get()) {
                                    set(random.nextInt(PAGES), random.nextLong());
                                }
                            });
            long[] values = new long[snapshot.stretches() * STRETCH];
            for (int i = 0; i < snapshot.stretches(); i++) {
                read(snapshot, i, snapshot.wanted(i), values);
            }
            stop.set(true);
            writer.join();
            snapshot.complete();
            snapshot.close();
            for (int i = 0; i < PAGES; i++) {
                assertThat(values[first() + i]).as("page %d", i).isEqualTo(before[i]);
            }
        }
    }

    @Test
    void releasedPages_areKeptUntilTheEndAndNotHandedOut() throws Exception {
        PageSnapshot snapshot = file.snapshot(null);
        file.release(base + 10 * PAGE, 500 * PAGE);
        for (int i = 0; i < 200; i++) {
            long other = file.allocate(4, 1);
            assertThat(other).isNotNegative();
            assertThat(other + 4 * PAGE <= base + 10 * PAGE || other >= base + 510 * PAGE).isTrue();
            file.beforeWrite(other, 4 * PAGE);
            file.view().set(ValueLayout.JAVA_LONG, other + 8, -1L);
        }
        long[] values = new long[snapshot.stretches() * STRETCH];
        for (int i = 0; i < snapshot.stretches(); i++) {
            read(snapshot, i, snapshot.wanted(i), values);
        }
        for (int i = 0; i < PAGES; i++) {
            assertThat(values[first() + i]).isEqualTo(i % 7 == 0 ? 0 : i);
        }
        long resident = file.residentBytes();
        snapshot.complete();
        snapshot.close();
        assertThat(file.residentBytes()).isLessThan(resident - 400 * PAGE);
    }

    @Test
    void changes_areThoseSinceTheLastSnapshotThatWasCompleted() {
        finish(file.snapshot(null), true);
        set(3, 30);
        set(7, 70); // was a hole
        assertThat(changedPages(true)).containsExactly(3, 7);
        set(9, 90);
        assertThat(changedPages(false)).as("to fail").containsExactly(9);
        file.guardAll();
        set(11, 110);
        assertThat(changedPages(true)).as("with those of the failed one").containsExactly(9, 11);
        file.release(base + 20 * PAGE, PAGE);
        long fresh = file.allocate(1, 1);
        file.view().set(ValueLayout.JAVA_LONG, fresh + 8, 1L);
        assertThat(changedPages(true)).containsExactly((int) ((fresh - base) / PAGE));
        assertThat(changedPages(true)).isEmpty();
    }

    private int[] changedPages(boolean complete) {
        PageSnapshot snapshot = file.snapshot(new BitSet());
        BitSet pages = new BitSet();
        for (int i = 0; i < snapshot.stretches(); i++) {
            for (long left = snapshot.changed(i); left != 0; left &= left - 1) {
                pages.set(i * STRETCH + Long.numberOfTrailingZeros(left) - first());
            }
        }
        finish(snapshot, complete);
        return pages.stream().toArray();
    }

    private static void finish(PageSnapshot snapshot, boolean complete) {
        if (complete) {
            snapshot.complete();
        }
        snapshot.close();
    }

    @Test
    void writersWaitForRoomAside_andGoOnWhenTheSnapshotEnds() throws Exception {
        try (AsidePages aside = new AsidePages(2)) {
            int first = aside.take();
            aside.take();
            CompletableFuture<Integer> third = CompletableFuture.supplyAsync(aside::take);
            aside.give(first);
            assertThat(third.get(20, java.util.concurrent.TimeUnit.SECONDS)).isEqualTo(first);
            CompletableFuture<Integer> fourth = CompletableFuture.supplyAsync(aside::take);
            aside.end();
            assertThat(fourth.get(20, java.util.concurrent.TimeUnit.SECONDS))
                    .isEqualTo(AsidePages.ENDED);
        }
    }
}
