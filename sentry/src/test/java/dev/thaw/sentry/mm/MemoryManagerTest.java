package dev.thaw.sentry.mm;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EEXIST;
import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENAMETOOLONG;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Mman.MAP_ANONYMOUS;
import static dev.thaw.abi.Mman.MAP_FIXED;
import static dev.thaw.abi.Mman.MAP_FIXED_NOREPLACE;
import static dev.thaw.abi.Mman.MAP_GROWSDOWN;
import static dev.thaw.abi.Mman.MAP_PRIVATE;
import static dev.thaw.abi.Mman.MAP_SHARED;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_NONE;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.testing.FakeFile;
import dev.thaw.sentry.testing.FakeGuest;
import dev.thaw.sentry.testing.FakePlatform;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryManagerTest {
    private static final int RW = PROT_READ | PROT_WRITE;
    private static final int ANON = MAP_PRIVATE | MAP_ANONYMOUS;
    private static final long AT = 0x20_0000_0000L;

    private final FakePlatform platform = new FakePlatform();
    private final MemoryManager mm = new MemoryManager(platform);
    private final FakeGuest guest = new FakeGuest(mm, platform.memory());

    @AfterEach
    void close() {
        platform.close();
    }

    private static int errnoOf(ThrowingCallable call) {
        return catchThrowable(call) instanceof ErrnoException e ? e.errno() : 0;
    }

    private byte[] content(int pages) {
        byte[] bytes = new byte[pages * 4096];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i / 4096 + 1);
        }
        return bytes;
    }

    @Test
    void mmap_refusesWhatLinuxRefuses() throws Exception {
        assertThat(errnoOf(() -> mm.mmap(0, 0, RW, ANON, null, 0))).isEqualTo(EINVAL);
        assertThat(errnoOf(() -> mm.mmap(0, Long.MAX_VALUE, RW, ANON, null, 0))).isEqualTo(ENOMEM);
        assertThat(errnoOf(() -> mm.mmap(0, FakePlatform.MAX_ADDRESS + 1, RW, ANON, null, 0)))
                .isEqualTo(ENOMEM);
        assertThat(errnoOf(() -> mm.mmap(AT + 1, 4096, RW, ANON | MAP_FIXED, null, 0)))
                .isEqualTo(EINVAL);
        assertThat(
                        errnoOf(
                                () ->
                                        mm.mmap(
                                                FakePlatform.MAX_ADDRESS,
                                                4096,
                                                RW,
                                                ANON | MAP_FIXED,
                                                null,
                                                0)))
                .isEqualTo(ENOMEM);
        mm.mmap(AT, 8192, RW, ANON | MAP_FIXED, null, 0);
        assertThat(errnoOf(() -> mm.mmap(AT + 4096, 4096, RW, ANON | MAP_FIXED_NOREPLACE, null, 0)))
                .isEqualTo(EEXIST);
        FakeFile readOnly = new FakeFile(platform.memory(), content(1), 0);
        assertThat(errnoOf(() -> mm.mmap(0, 4096, RW, MAP_SHARED, readOnly, 0))).isEqualTo(EACCES);
        long shared = mm.mmap(0, 4096, PROT_READ, MAP_SHARED, readOnly, 0);
        assertThat(errnoOf(() -> mm.mprotect(shared, 4096, RW))).isEqualTo(EACCES);
    }

    @Test
    void neighbours_mergeOnlyWhenAlike() throws Exception {
        for (int i = 0; i < 8; i++) {
            mm.mmap(AT + i * 4096, 4096, RW, ANON | MAP_FIXED, null, 0);
        }
        assertThat(mm.mappings()).hasSize(1);
        mm.mprotect(AT + 8192, 4096, PROT_READ);
        assertThat(mm.mappings())
                .extracting(Mapping::end)
                .containsExactly(AT + 8192, AT + 12288, AT + 32768);
        mm.mprotect(AT + 8192, 4096, RW);
        assertThat(mm.mappings()).hasSize(1);
        FakeFile file = new FakeFile(platform.memory(), content(4), 2);
        mm.mmap(AT, 4096, RW, MAP_PRIVATE | MAP_FIXED, file, 0);
        mm.mmap(AT + 4096, 4096, RW, MAP_PRIVATE | MAP_FIXED, file, 8192);
        mm.mmap(AT + 8192, 4096, RW, MAP_PRIVATE | MAP_FIXED, file, 12288);
        assertThat(mm.mappings()).extracting(Mapping::offset).containsExactly(0L, 8192L, 0L);
        mm.munmap(AT, 32768);
        assertThat(file.mappedBytes).isZero();
    }

    @Test
    void privateFileMapping_showsTheFileUntilWritten() throws Exception {
        FakeFile file = new FakeFile(platform.memory(), content(40), 0, false);
        long at = mm.mmap(0, 42 * 4096, RW, MAP_PRIVATE, file, 0);
        assertThat(guest.load(at + 4096)).isEqualTo(2);
        assertThat(guest.store(at, 99)).isZero();
        platform.memory().view().set(ValueLayout.JAVA_BYTE, file.page(1), (byte) 77);
        assertThat(guest.load(at + 4096))
                .as("a page beside a copied one is still the file's")
                .isEqualTo(77);
        assertThat(platform.memory().view().get(ValueLayout.JAVA_BYTE, file.page(0)))
                .isEqualTo((byte) 1);
        assertThat(guest.load(at + 40 * 4096)).isEqualTo(-FaultResult.BUS);
        mm.invalidate(file, 0, 40 * 4096);
        assertThat(guest.load(at)).as("a private copy outlives a change of the file").isEqualTo(99);
        assertThat(guest.space().pages()).doesNotContainKey(at + 4096);
    }

    @Test
    void copies_endWhereAccessEnds() throws Exception {
        mm.mmap(AT, 3 * 4096, RW, ANON | MAP_FIXED, null, 0);
        mm.mprotect(AT + 8192, 4096, PROT_NONE);
        byte[] bytes = new byte[3 * 4096];
        assertThat(mm.buffer(AT, bytes.length).put(bytes, 0, bytes.length)).isEqualTo(8192);
        assertThat(errnoOf(() -> mm.copyOutBytes(AT, bytes))).isEqualTo(EFAULT);
        assertThat(errnoOf(() -> mm.buffer(AT + 8192, 1).take(bytes, 0, 1))).isEqualTo(EFAULT);
        assertThat(errnoOf(() -> mm.buffer(-4096, 8192))).isEqualTo(EFAULT);
        assertThat(errnoOf(() -> mm.buffer(AT, -1))).isEqualTo(EINVAL);
        assertThat(errnoOf(() -> mm.readLong(AT + 8188))).isEqualTo(EFAULT);
        mm.writeLong(AT + 4092, 0x1122334455667788L);
        assertThat(mm.readLong(AT + 4092)).isEqualTo(0x1122334455667788L);
        assertThat(mm.readInt(AT + 4094)).isEqualTo(0x33445566);
        assertThat(errnoOf(() -> mm.compareAndSwapInt(AT + 2, 0, 1))).isEqualTo(EINVAL);
        assertThat(mm.compareAndSwapInt(AT + 64, 0, 5)).isZero();
        assertThat(mm.compareAndSwapInt(AT + 64, 0, 6)).isEqualTo(5);
        mm.mprotect(AT, 4096, PROT_READ);
        assertThat(errnoOf(() -> mm.compareAndSwapInt(AT + 64, 5, 6))).isEqualTo(EFAULT);
    }

    @Test
    void strings_mayEndAtTheLastByteThatIsMapped() throws Exception {
        mm.mmap(AT, 8192, RW, ANON | MAP_FIXED, null, 0);
        mm.munmap(AT + 4096, 4096);
        mm.copyOutBytes(AT + 4092, new byte[] {'a', (byte) 0xff, 'c', 0});
        assertThat(mm.copyInString(AT + 4092, 4095)).isEqualTo("a\u00ffc");
        assertThat(mm.copyInString(AT + 4092, 3)).isEqualTo("a\u00ffc");
        assertThat(errnoOf(() -> mm.copyInString(AT + 4092, 2))).isEqualTo(ENAMETOOLONG);
        mm.copyOutBytes(AT + 4095, new byte[] {'d'});
        assertThat(errnoOf(() -> mm.copyInString(AT + 4092, 4095))).isEqualTo(EFAULT);
    }

    @Test
    void iovec_checksCountAndLengths() throws Exception {
        mm.mmap(AT, 16384, RW, ANON | MAP_FIXED, null, 0);
        long[] vectors = {AT + 8192, 3, AT + 12288, 0, AT + 9000, 5};
        for (int i = 0; i < vectors.length; i++) {
            mm.writeLong(AT + 8L * i, vectors[i]);
        }
        IoBuffer buffer = mm.iovec(AT, 3);
        assertThat(buffer.remaining()).isEqualTo(8);
        assertThat(buffer.put("abcdefghij".getBytes(), 0, 10)).isEqualTo(8);
        assertThat(mm.copyInString(AT + 8192, 10)).isEqualTo("abc");
        assertThat(mm.copyInString(AT + 9000, 10)).isEqualTo("defgh");
        assertThat(errnoOf(() -> mm.iovec(AT, 1025))).isEqualTo(EINVAL);
        assertThat(errnoOf(() -> mm.iovec(AT, -1))).isEqualTo(EINVAL);
        mm.writeLong(AT + 24, -1);
        assertThat(errnoOf(() -> mm.iovec(AT, 3))).isEqualTo(EINVAL);
    }

    @Test
    void stack_growsToItsLimitAndKeepsItsGap() throws Exception {
        mm.setLimits(1 << 20, -1, -1);
        long top = AT + (64L << 20);
        mm.mmap(top - 8192, 8192, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, null, 0);
        assertThat(guest.store(top - (900 << 10), 1)).isZero();
        assertThat(guest.store(top - (1 << 20), 1)).isZero();
        assertThat(guest.store(top - (1 << 20) - 1, 1)).isEqualTo(-FaultResult.MAPERR);
        long below = top + (64L << 20);
        mm.mmap(below - 4096, 4096, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, null, 0);
        mm.mmap(below - (512 << 10), 4096, RW, ANON | MAP_FIXED, null, 0);
        assertThat(guest.store(below - 8192, 1))
                .as("nearer than the guard gap to what lies below")
                .isEqualTo(-FaultResult.MAPERR);
    }

    @Test
    void fork_narrowsAStretchWithOneCall() throws Exception {
        mm.mmap(AT, 64L << 20, RW, ANON | MAP_FIXED, null, 0);
        for (long at = AT; at < AT + (64L << 20); at += 2 << 20) {
            guest.store(at, 1);
        }
        assertThat(guest.space().mapCalls).as("2 MiB for each fault").isEqualTo(32);
        int before = guest.space().protectCalls;
        MemoryManager child = mm.fork();
        assertThat(guest.space().protectCalls - before).isEqualTo(1);
        FakeGuest childGuest = new FakeGuest(child, platform.memory());
        long resident = platform.memory().residentBytes();
        childGuest.store(AT + 4096, 2);
        childGuest.store(AT + 8192, 2);
        assertThat(childGuest.space().mapCalls)
                .as("what was never written comes in one run")
                .isEqualTo(1);
        assertThat(platform.memory().residentBytes() - resident).isEqualTo(8192);
        child.close();
        guest.store(AT, 3);
        guest.store(AT + 4096, 3);
        assertThat(guest.load(AT + 8192)).isZero();
    }

    @Test
    void brk_movesWithinWhatIsFree() throws Exception {
        mm.setLayout(AT, 0x10_0000_1000L);
        long start = mm.brk(0);
        assertThat(mm.brk(start + 10)).isEqualTo(start + 10);
        assertThat(guest.store(start + 4095, 1)).isZero();
        assertThat(mm.brk(start + 100_000)).isEqualTo(start + 100_000);
        assertThat(mm.brk(start - 1)).isEqualTo(start + 100_000);
        mm.mmap(start + 0x40000, 4096, RW, ANON | MAP_FIXED, null, 0);
        assertThat(mm.brk(start + 0x50000)).isEqualTo(start + 100_000);
        assertThat(mm.brk(start)).isEqualTo(start);
        assertThat(guest.load(start)).isEqualTo(-FaultResult.MAPERR);
        assertThat(mm.mappings()).extracting(Mapping::name).doesNotContain("[heap]");
    }

    @Test
    void sharedMemory_hasOneFutexKeyAndPrivateMemoryHasItsOwn() throws Exception {
        mm.mmap(AT, 8192, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, null, 0);
        mm.mmap(AT + 0x10000, 4096, RW, ANON | MAP_FIXED, null, 0);
        MemoryManager child = mm.fork();
        assertThat(child.futexKey(AT + 4100))
                .isEqualTo(mm.futexKey(AT + 4100))
                .isNotEqualTo(mm.futexKey(AT + 4104));
        assertThat(child.futexKey(AT + 0x10000)).isNotEqualTo(mm.futexKey(AT + 0x10000));
        assertThat(errnoOf(() -> mm.futexKey(AT + 0x20000))).isEqualTo(EFAULT);
        child.close();
    }

    @Test
    void memoryLimit_isAFaultNotAnException() throws Exception {
        platform.memory().setLimit(8 << 20);
        mm.mmap(AT, 64L << 20, RW, ANON | MAP_FIXED, null, 0);
        int result = 0;
        for (long at = AT; at < AT + (64L << 20) && result == 0; at += 4096) {
            result = guest.store(at, 1);
        }
        assertThat(result).isEqualTo(-FaultResult.OUT_OF_MEMORY);
        mm.munmap(AT, 64L << 20);
        mm.mmap(AT, 4096, RW, ANON | MAP_FIXED, null, 0);
        assertThat(guest.store(AT, 1)).isZero();
    }

    @Test
    void patchedText_isPrivateAndExact() throws Exception {
        FakeFile file = new FakeFile(platform.memory(), content(2), 0);
        long at = mm.mmap(0, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
        TextPatcher patcher = new TextPatcher(mm);
        byte[] found = new byte[4];
        assertThat(patcher.readText(at + 4094, found)).isTrue();
        assertThat(found).containsExactly(1, 1, 2, 2);
        assertThat(patcher.writeText(at + 100, new byte[] {1, 2}, new byte[] {9, 9}))
                .as("other bytes there")
                .isFalse();
        assertThat(patcher.writeText(at + 4095, new byte[] {1, 2}, new byte[] {9, 9}))
                .as("across pages")
                .isFalse();
        assertThat(patcher.writeText(at + 100, new byte[] {1, 1}, new byte[] {9, 8})).isTrue();
        assertThat(guest.load(at + 100)).isEqualTo(9);
        assertThat(guest.load(at + 102)).isEqualTo(1);
        assertThat(platform.memory().view().get(ValueLayout.JAVA_BYTE, file.page(0) + 100))
                .isEqualTo((byte) 1);
        long area = patcher.allocateTrampolines(at, 65536);
        assertThat(area).isNotZero();
        assertThat(Math.abs(area - at)).isLessThan(1L << 31);
        mm.mprotect(at, 4096, RW | PROT_EXEC);
        assertThat(patcher.writeText(at + 100, new byte[] {9}, new byte[] {7}))
                .as("writable for the guest")
                .isFalse();
    }

    @Test
    void close_givesEverythingBackWithTheLastUser() throws Exception {
        FakeFile file = new FakeFile(platform.memory(), content(3), 0);
        long at = mm.mmap(0, 3 * 4096, RW, MAP_PRIVATE, file, 0);
        guest.store(at, 5);
        mm.acquire();
        mm.close();
        assertThat(guest.load(at)).isEqualTo(5);
        mm.close();
        assertThat(guest.space().closed).isTrue();
        assertThat(file.mappedBytes).isZero();
        file.close();
        long[] left = {0};
        platform.memory().forEachPopulated((offset, length) -> left[0] += length);
        assertThat(left[0]).isZero();
        assertThat(List.of(mm.mappings())).containsExactly(List.of());
    }
}
