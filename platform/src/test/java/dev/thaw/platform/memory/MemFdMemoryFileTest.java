package dev.thaw.platform.memory;

import static dev.thaw.abi.Errno.ENOMEM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MemFdMemoryFileTest {
    private static final int PAGE = 4096;
    private MemFdMemoryFile file;

    @BeforeEach
    void create() throws Exception {
        file = MemFdMemoryFile.create(1L << 32);
    }

    @AfterEach
    void close() {
        file.close();
    }

    @Test
    void allocate_neverHandsOutAPageTwiceAndAlwaysZero() {
        Random random = new Random(7);
        Map<Long, Integer> counts = new HashMap<>();
        List<long[]> runs = new ArrayList<>();
        for (int step = 0; step < 4000; step++) {
            if (runs.isEmpty() || random.nextInt(3) > 0) {
                long pages =
                        random.nextInt(20) == 0 ? 512 + random.nextInt(700) : 1 + random.nextInt(8);
                long align = random.nextInt(4) == 0 ? 1L << random.nextInt(10) : 1;
                long offset = file.allocate(pages, align);
                assertThat(offset % (align * PAGE)).isZero();
                for (long p = 0; p < pages; p++) {
                    assertThat(counts.put(offset + p * PAGE, 1))
                            .as("page handed out twice")
                            .isNull();
                    assertThat(file.isExclusive(offset + p * PAGE)).isTrue();
                    assertThat(file.view().get(ValueLayout.JAVA_LONG, offset + p * PAGE + 8))
                            .isZero();
                    file.view().set(ValueLayout.JAVA_LONG, offset + p * PAGE + 8, step + 1L);
                }
                runs.add(new long[] {offset, pages * PAGE});
            } else {
                long[] run = runs.remove(random.nextInt(runs.size()));
                if (random.nextInt(3) == 0) {
                    file.retain(run[0], run[1]);
                    assertThat(file.isExclusive(run[0])).isFalse();
                    file.release(run[0], run[1]);
                }
                file.release(run[0], run[1]);
                for (long p = 0; p < run[1]; p += PAGE) {
                    counts.remove(run[0] + p);
                }
            }
        }
        long[] seen = {0};
        file.forEachPopulated(
                (offset, length) -> {
                    for (long p = 0; p < length; p += PAGE) {
                        assertThat(counts).containsKey(offset + p);
                    }
                    seen[0] += length / PAGE;
                });
        assertThat(seen[0]).isEqualTo(counts.size());
    }

    @Test
    void release_givesMemoryBack() {
        long offset = file.allocate(2048, 512);
        assertThat(file.holeLength(offset, 2048L * PAGE)).isEqualTo(2048L * PAGE);
        file.view().asSlice(offset, 2048L * PAGE).fill((byte) 1);
        assertThat(file.holeLength(offset, 2048L * PAGE)).isZero();
        assertThat(file.residentBytes()).isEqualTo(2048L * PAGE);
        file.release(offset, 2048L * PAGE);
        assertThat(file.residentBytes()).isZero();
        assertThatThrownBy(() -> file.release(offset, PAGE)).isInstanceOf(AssertionError.class);
    }

    @Test
    void limit_countsWhatIsResidentNotWhatIsReserved() {
        file.setLimit(4L << 20);
        long offset = file.allocate(100_000, 1);
        assertThat(offset).isNotNegative();
        file.view().asSlice(offset, 5L << 20).fill((byte) 1);
        assertThat(file.allocate(512, 1)).isEqualTo(-ENOMEM);
        file.release(offset, 100_000L * PAGE);
        assertThat(file.allocate(512, 1)).isNotNegative();
    }

    @Test
    void reserve_takesTheVeryPagesAndCountsThem() {
        file.reserve(700L * PAGE, 3L * PAGE);
        file.reserve(701L * PAGE, PAGE);
        assertThat(file.isExclusive(700L * PAGE)).isTrue();
        assertThat(file.isExclusive(701L * PAGE)).isFalse();
        for (int i = 0; i < 2000; i++) {
            assertThat(file.allocate(1, 1)).isNotIn(700L * PAGE, 701L * PAGE, 702L * PAGE);
        }
    }

    @Test
    void lazyPages_comeOnFirstLoadAndOnlyWhereStillWanted() {
        file.reserve(0, 16L * PAGE);
        List<Long> asked = new ArrayList<>();
        MemorySegment data = MemorySegment.ofArray(new byte[16 * PAGE]).fill((byte) 7);
        file.setLazy(
                (offset, length) -> {
                    asked.add(offset);
                    file.supply(0, data, 0, 8L * PAGE); // more than was asked for
                },
                0,
                16L * PAGE);
        file.release(2L * PAGE, PAGE);
        assertThat(file.isLazy()).isTrue();
        file.load(PAGE, PAGE);
        file.load(5L * PAGE, PAGE);
        assertThat(asked).containsExactly((long) PAGE);
        assertThat(file.view().get(ValueLayout.JAVA_BYTE, 5L * PAGE)).isEqualTo((byte) 7);
        assertThat(file.view().get(ValueLayout.JAVA_BYTE, 2L * PAGE))
                .as("given back before it was loaded")
                .isZero();
        long[] pages = {0};
        file.forEachPopulated((offset, length) -> pages[0] += length / PAGE);
        assertThat(pages[0]).as("populated or still lazy").isEqualTo(15);
        file.load(0, 16L * PAGE);
        assertThat(file.isLazy()).isFalse();
        assertThat(file.view().get(ValueLayout.JAVA_BYTE, 9L * PAGE))
                .as("not supplied reads as zero")
                .isZero();
    }

    /** A chunk holds many pages, and one of them may be touched while a restore still links its objects. */
    @Test
    void load_leavesPagesThatNobodyClaimedEmpty() throws Exception {
        try (MemFdMemoryFile file = MemFdMemoryFile.create(64 << 20)) {
            int page = MemoryFile.PAGE_SIZE;
            MemorySegment data = MemorySegment.ofArray(new byte[2 * page]).fill((byte) 7);
            file.setLazy((_, _) -> file.supply(0, data, 0, 2L * page), 0, 2L * page);
            file.reserve(0, page);
            file.load(0, page);
            assertThat(file.forgetUnclaimed()).isEqualTo(1);
            long next = file.allocate(1, 1);
            assertThat(next).isEqualTo(page);
            assertThat(file.view().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
            assertThat(file.view().get(ValueLayout.JAVA_BYTE, next)).isZero();
        }
    }
}
