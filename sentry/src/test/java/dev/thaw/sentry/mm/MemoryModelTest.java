package dev.thaw.sentry.mm;

import static dev.thaw.abi.Mman.MAP_ANONYMOUS;
import static dev.thaw.abi.Mman.MAP_FIXED;
import static dev.thaw.abi.Mman.MAP_PRIVATE;
import static dev.thaw.abi.Mman.MAP_SHARED;
import static dev.thaw.abi.Mman.PROT_NONE;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.platform.memory.PageSnapshot;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.testing.FakeGuest;
import dev.thaw.sentry.testing.FakePlatform;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random mapping calls, stores and forks of a few processes, against a model that knows nothing of pages being shared. */
class MemoryModelTest {
    private static final long BASE = 0x10_0000_0000L;
    private static final int PAGES = 1200; // spans several leaves of the page table

    /** One page of the model: a cell that shared mappings have in common. */
    private static final class Cell {
        int value;
    }

    private record Slot(Cell cell, int prot, boolean shared) {}

    private static final class Process {
        final MemoryManager mm;
        final FakeGuest guest;
        final Map<Integer, Slot> slots = new HashMap<>();

        Process(MemoryManager mm, FakePlatform platform) {
            this.mm = mm;
            this.guest = new FakeGuest(mm, platform.memory());
        }
    }

    private final FakePlatform platform = new FakePlatform();
    private final List<Process> processes = new ArrayList<>();
    private Random random = new Random();
    private @Nullable PageSnapshot snapshot;

    /** The first byte of each page that {@link #snapshot} has, by page number. */
    private final Map<Long, Integer> moment = new HashMap<>();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void guestsSeeWhatAModelSees(long seed) throws Exception {
        random = new Random(seed);
        processes.add(new Process(new MemoryManager(platform), platform));
        for (int step = 0; step < 3000; step++) {
            Process process = processes.get(random.nextInt(processes.size()));
            act(process);
            if (step % 60 == 59) {
                takeOrReadSnapshot();
            }
            if (step % 500 == 499) {
                for (Process each : processes) {
                    checkAll(each);
                }
            }
        }
        for (Process each : processes) {
            checkAll(each);
            each.mm.close();
        }
        if (snapshot != null) {
            takeOrReadSnapshot();
        }
        long[] left = {0};
        platform.memory().forEachPopulated((offset, length) -> left[0] += length);
        assertThat(left[0])
                .as("bytes still referenced after every address space was closed")
                .isZero();
        platform.close();
    }

    /** A checkpoint's part in this: what it reads of memory is what was there when it began. */
    private void takeOrReadSnapshot() throws IOException {
        MemoryFile memory = platform.memory();
        PageSnapshot current = snapshot;
        if (current == null) {
            if (random.nextBoolean()) {
                memory.guardAll();
                processes.forEach(each -> each.mm.prepareWithdrawal());
            }
            processes.forEach(each -> each.mm.withdrawWrites());
            current = memory.snapshot(null);
            snapshot = current;
            moment.clear();
            for (int i = 0; i < current.stretches(); i++) {
                for (long left = current.wanted(i); left != 0; left &= left - 1) {
                    long page = i * 64L + Long.numberOfTrailingZeros(left);
                    boolean hole = memory.holeLength(page << 12, 4096) > 0;
                    moment.put(
                            page,
                            hole ? 0 : memory.view().get(ValueLayout.JAVA_BYTE, page << 12) & 0xff);
                }
            }
            return;
        }
        byte[] raw = new byte[64 * 4096];
        for (int i = 0; i < current.stretches(); i++) {
            long there = current.read(i, current.wanted(i), raw);
            int at = 0;
            for (long left = current.wanted(i); left != 0; left &= left - 1) {
                int value = (there & left & -left) == 0 ? 0 : raw[at++ * 4096] & 0xff;
                assertThat(value).isEqualTo(moment.get(i * 64L + Long.numberOfTrailingZeros(left)));
            }
        }
        current.complete();
        current.close();
        snapshot = null;
    }

    private void act(Process process) throws ErrnoException {
        int page = random.nextInt(PAGES);
        int count =
                1
                        + (random.nextInt(8) == 0
                                ? random.nextInt(PAGES - page)
                                : random.nextInt(Math.min(30, PAGES - page)));
        long address = BASE + page * 4096L;
        long length = count * 4096L;
        switch (random.nextInt(24)) {
            case 0, 1 -> map(process, page, count, false);
            case 2 -> map(process, page, count, true);
            case 3 -> {
                process.mm.munmap(address, length);
                for (int i = page; i < page + count; i++) {
                    process.slots.remove(i);
                }
            }
            case 4, 5 -> protect(process, page, count);
            case 6 -> move(process, page, Math.min(count, 40));
            case 7 -> discard(process, page, count);
            case 8 -> fork(process);
            case 9 -> process.guest.space().room = random.nextInt(3) == 0 ? 600 : Integer.MAX_VALUE;
            case 10, 11 -> copy(process, page, Math.min(count, 20));
            default -> {
                for (int i = 0; i < 6; i++) {
                    touch(process, random.nextInt(PAGES));
                }
            }
        }
    }

    private int prot() {
        return switch (random.nextInt(5)) {
            case 0 -> PROT_NONE;
            case 1 -> PROT_READ;
            default -> PROT_READ | PROT_WRITE;
        };
    }

    private void map(Process process, int page, int count, boolean shared) throws ErrnoException {
        int prot = prot();
        int flags = MAP_ANONYMOUS | MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE);
        process.mm.mmap(BASE + page * 4096L, count * 4096L, prot, flags, null, 0);
        for (int i = page; i < page + count; i++) {
            process.slots.put(i, new Slot(new Cell(), prot, shared));
        }
    }

    private void protect(Process process, int page, int count) {
        int prot = prot();
        int done = 0;
        while (done < count && process.slots.containsKey(page + done)) {
            done++;
        }
        int result = 0;
        try {
            process.mm.mprotect(BASE + page * 4096L, count * 4096L, prot);
        } catch (ErrnoException e) {
            result = e.errno();
        }
        assertThat(result).isEqualTo(done == count ? 0 : 12);
        for (int i = page; i < page + done; i++) {
            Slot slot = process.slots.get(i);
            process.slots.put(i, new Slot(slot.cell, prot, slot.shared));
        }
    }

    private void move(Process process, int page, int count) {
        int target = random.nextInt(PAGES - count + 1);
        boolean overlap = target < page + count && page < target + count;
        boolean failed = false;
        try {
            process.mm.mremap(
                    BASE + page * 4096L, count * 4096L, count * 4096L, 3, BASE + target * 4096L);
        } catch (ErrnoException e) {
            failed = true;
        }
        if (overlap) {
            assertThat(failed).isTrue();
        }
        if (!failed) {
            for (int i = 0; i < count; i++) {
                process.slots.put(target + i, process.slots.remove(page + i));
            }
        }
    }

    private void discard(Process process, int page, int count) {
        try {
            process.mm.advice().advise(BASE + page * 4096L, count * 4096L, 4);
        } catch (ErrnoException e) {
            assertThat(e.errno()).isEqualTo(12);
        }
        for (int i = page; i < page + count; i++) {
            Slot slot = process.slots.get(i);
            if (slot != null && !slot.shared) {
                process.slots.put(i, new Slot(new Cell(), slot.prot, false));
            }
        }
    }

    private void fork(Process process) {
        if (processes.size() >= 5) {
            Process dead = processes.remove(random.nextInt(processes.size()));
            dead.mm.close();
            assertThat(dead.guest.space().closed).isTrue();
            if (dead == process) {
                return;
            }
        }
        Process child = new Process(process.mm.fork(), platform);
        process.slots.forEach(
                (i, slot) -> {
                    Cell cell = slot.cell;
                    if (!slot.shared) {
                        cell = new Cell();
                        cell.value = slot.cell.value;
                    }
                    child.slots.put(i, new Slot(cell, slot.prot, slot.shared));
                });
        processes.add(child);
    }

    private void copy(Process process, int page, int count) {
        byte[] bytes = new byte[count * 4096];
        int value = random.nextInt(256);
        java.util.Arrays.fill(bytes, (byte) value);
        int done = 0;
        while (done < count
                && process.slots.containsKey(page + done)
                && (process.slots.get(page + done).prot & PROT_WRITE) != 0) {
            done++;
        }
        long copied = 0;
        try {
            copied =
                    process.mm
                            .buffer(BASE + page * 4096L, bytes.length)
                            .put(bytes, 0, bytes.length);
        } catch (ErrnoException e) {
            assertThat(e.errno()).isEqualTo(14);
        }
        assertThat(copied).isEqualTo(done * 4096L);
        for (int i = page; i < page + done; i++) {
            process.slots.get(i).cell.value = value;
        }
    }

    private void touch(Process process, int page) {
        long address = BASE + page * 4096L + random.nextInt(2) * 4095L;
        Slot slot = process.slots.get(page);
        if (random.nextBoolean()) {
            int value = random.nextInt(256);
            int result = process.guest.store(BASE + page * 4096L, value);
            if (result == 0) {
                result = process.guest.store(BASE + page * 4096L + 4095, value);
            }
            if (slot == null) {
                assertThat(result).isEqualTo(-FaultResult.MAPERR);
            } else if ((slot.prot & PROT_WRITE) == 0) {
                assertThat(result).isEqualTo(-FaultResult.ACCERR);
            } else {
                assertThat(result).isZero();
                slot.cell.value = value;
            }
        } else {
            int expected =
                    slot == null
                            ? -FaultResult.MAPERR
                            : slot.prot == 0 ? -FaultResult.ACCERR : slot.cell.value;
            assertThat(process.guest.load(address)).as("page %d", page).isEqualTo(expected);
        }
    }

    private void checkAll(Process process) throws ErrnoException {
        for (int page = 0; page < PAGES; page++) {
            Slot slot = process.slots.get(page);
            int expected =
                    slot == null
                            ? -FaultResult.MAPERR
                            : slot.prot == 0 ? -FaultResult.ACCERR : slot.cell.value;
            assertThat(process.guest.load(BASE + page * 4096L))
                    .as("page %d", page)
                    .isEqualTo(expected);
        }
        long last = 0;
        for (Mapping mapping : process.mm.mappings()) {
            assertThat(mapping.start()).isGreaterThanOrEqualTo(last).isLessThan(mapping.end());
            last = mapping.end();
            for (long at = mapping.start(); at < mapping.end(); at += 4096) {
                Slot slot = process.slots.get((int) ((at - BASE) / 4096));
                assertThat(slot).isNotNull();
                assertThat(mapping.prot()).isEqualTo(slot.prot);
            }
        }
        assertThat(process.mm.totalBytes()).isEqualTo(process.slots.size() * 4096L);
    }
}
