package dev.thaw.platform;

import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.abi.Signals.SIGFPE;
import static dev.thaw.abi.Signals.SIGILL;
import static dev.thaw.abi.Signals.SIGSEGV;
import static dev.thaw.abi.Signals.SIGTRAP;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.platform.memory.MemoryFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What every platform must do, with raw machine code for a guest. */
@ParameterizedClass
@MethodSource("platforms")
@Timeout(60)
final class PlatformTest {
    private static final long TEXT = 0x400000;
    private static final long DATA = 0x7fe000000000L;
    private static final int SIZE = 0x10000;

    private final String name;
    private final MemoryFile memory;
    private final Platform platform;
    private final Map<AddressSpace, TextPatcher> patchers = new HashMap<>();
    private final List<AutoCloseable> open = new ArrayList<>();

    static List<String> platforms() {
        return Platforms.names();
    }

    PlatformTest(String name) throws Exception {
        this.name = name;
        memory = MemFdMemoryFile.create(64 << 20);
        platform = Platforms.create(name, memory);
    }

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
        platform.close();
        memory.close();
    }

    /** An address space with {@code code} at TEXT and a writable page at DATA. */
    private AddressSpace space(Code code) throws Exception {
        AddressSpace space = platform.newAddressSpace();
        open.add(space);
        long text = memory.allocate(SIZE / 4096, 1);
        byte[] bytes = code.toBytes();
        MemorySegment.copy(bytes, 0, memory.view(), JAVA_BYTE, text, bytes.length);
        assertThat(space.map(null, TEXT, SIZE, 0, text, PROT_READ | PROT_EXEC, false)).isZero();
        TextPatcher patcher = new TextPatcher(memory, space);
        patcher.add(TEXT, text);
        space.setPatcher(patcher);
        patchers.put(space, patcher);
        assertThat(
                        space.map(
                                null,
                                DATA,
                                SIZE,
                                0,
                                memory.allocate(SIZE / 4096, 1),
                                PROT_READ | PROT_WRITE,
                                true))
                .isZero();
        return space;
    }

    private GuestThread thread(AddressSpace space) throws Exception {
        GuestThread thread = space.newThread();
        open.add(thread);
        return thread;
    }

    private static Registers entry() {
        Registers registers = new Registers();
        registers.rip = TEXT;
        registers.rsp = DATA + 0x8000;
        return registers;
    }

    @Test
    void syscall_reportsNumberAndReturnsResult() throws Exception {
        GuestThread thread =
                thread(
                        space(
                                new Code()
                                        .rax(39)
                                        .syscall()
                                        .bytes(0x48, 0x89, 0xc7)
                                        .rax(231)
                                        .syscall())); // getpid, mov rax, rdi, exit_group
        Registers r = entry();
        assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
        assertThat(r.rax).isEqualTo(39);
        assertThat(r.origRax).isEqualTo(39);
        assertThat(r.rip).isEqualTo(TEXT + 12);
        assertThat(r.restartRip).isEqualTo(TEXT + 10);
        r.rax = 4711;
        assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
        assertThat(r.rax).isEqualTo(231);
        assertThat(r.rdi).isEqualTo(4711);
    }

    @Test
    void registers_roundTrip() throws Exception {
        GuestThread thread = thread(space(new Code().syscall().syscall()));
        Registers r = entry();
        long[] words = new long[Registers.WORDS];
        for (int i = 0; i < 15; i++) {
            words[i] = 0x0102030405060708L * (i + 1);
        }
        words[10] = 1000;
        words[16] = TEXT;
        words[18] = 0x202 | 0x8d5;
        words[19] = DATA + 0x100;
        words[21] = DATA + 0x200;
        words[22] = DATA + 0x300;
        r.fromWords(words);
        assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
        long[] after = new long[Registers.WORDS];
        r.toWords(after);
        for (int i : new int[] {0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 14, 19, 21, 22}) {
            assertThat(after[i]).as("word %d", i).isEqualTo(words[i]);
        }
        assertThat(after[18] & 0xcd5).isEqualTo(0x8d5);
        assertThat(after[11]).as("rcx, clobbered by the call").isEqualTo(TEXT + 2);
    }

    @Test
    void faults_areReportedByKind() throws Exception {
        expectFault(new Code().bytes(0x0f, 0x0b), SIGILL, 0);
        expectFault(new Code().bytes(0xcc), SIGTRAP, 1);
        expectFault(
                new Code().bytes(0x31, 0xc9, 0xf7, 0xf1), SIGFPE, 2); // xor %ecx, %ecx; div %ecx
        expectFault(new Code().bytes(0xf4), SIGSEGV, 0); // hlt
        expectFault(new Code().bytes(0xcd, 0x80), SIGSEGV, 0);
    }

    private void expectFault(Code code, int signal, int length) throws Exception {
        GuestThread thread = thread(space(code));
        Registers r = entry();
        assertThat(thread.run(r)).isEqualTo(StopReason.FAULT);
        assertThat(thread.faultSignal()).isEqualTo(signal);
        assertThat(r.rip).isEqualTo(TEXT + length);
        assertThat(r.origRax).isEqualTo(-1);
    }

    @Test
    void pageFault_saysAddressAndAccess() throws Exception {
        AddressSpace space =
                space(
                        new Code()
                                .bytes(
                                        0x48, 0x8b, 0x07, 0x48, 0x89, 0x06, 0xff, 0xd2, 0x0f,
                                        0x05)); // load (rdi), store (rsi), call rdx
        GuestThread thread = thread(space);
        Registers r = entry();
        r.rdi = 0x500008;
        r.rsi = 0x600010;
        r.rdx = 0x700000;
        assertThat(thread.run(r)).isEqualTo(StopReason.FAULT);
        assertThat(List.of(thread.faultSignal(), thread.faultAddress(), thread.faultAccess()))
                .isEqualTo(List.of(SIGSEGV, 0x500008L, PROT_READ));
        long page = memory.allocate(1, 1);
        memory.view().set(JAVA_LONG, page + 8, 0x1122334455667788L);
        assertThat(space.map(thread, 0x500000, 4096, 0, page, PROT_READ, false)).isZero();
        assertThat(thread.run(r)).isEqualTo(StopReason.FAULT);
        if (name.equals("ptrace")) { // tells a write from a read only where something is mapped
            assertThat(List.of(thread.faultAddress(), thread.faultAccess()))
                    .isEqualTo(List.of(0x600010L, PROT_READ));
            space.map(thread, 0x600000, 4096, 0, page, PROT_READ, false);
            assertThat(thread.run(r)).isEqualTo(StopReason.FAULT);
        }
        assertThat(List.of(thread.faultAddress(), thread.faultAccess()))
                .isEqualTo(List.of(0x600010L, PROT_WRITE));
        assertThat(space.map(thread, 0x600000, 4096, 0, page, PROT_READ | PROT_WRITE, false))
                .isZero();
        assertThat(thread.run(r)).isEqualTo(StopReason.FAULT);
        assertThat(memory.view().get(JAVA_LONG, page + 16)).isEqualTo(0x1122334455667788L);
        assertThat(List.of(thread.faultAddress(), thread.faultAccess()))
                .isIn(List.of(0x700000L, PROT_EXEC), List.of(0x700000L, PROT_READ));
    }

    @Test
    void unmapAndProtect_takeAccessAway() throws Exception {
        AddressSpace space =
                space(
                        new Code()
                                .bytes(
                                        0x48, 0x89, 0x37, 0x0f, 0x05, 0xeb,
                                        0xf9)); // 1: mov %rsi, (%rdi); syscall; jmp 1b
        GuestThread thread = thread(space);
        Registers r = entry();
        r.rdi = DATA;
        assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
        space.protect(thread, DATA, 4096, PROT_READ);
        assertThat(thread.run(r)).isEqualTo(StopReason.FAULT);
        assertThat(List.of(thread.faultAddress(), thread.faultAccess()))
                .isEqualTo(List.of(DATA, PROT_WRITE));
        space.protect(thread, DATA, 4096, PROT_READ | PROT_WRITE);
        assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
        space.unmap(null, DATA, 4096);
        assertThat(thread.run(r)).isEqualTo(StopReason.FAULT);
        assertThat(thread.faultCode()).isEqualTo(1); // SEGV_MAPERR
    }

    @Test
    void interrupt_stopsAComputingLoop() throws Exception {
        GuestThread thread =
                thread(space(new Code().bytes(0xff, 0xc3, 0xeb, 0xfc))); // 1: inc %ebx; jmp 1b
        Registers r = entry();
        for (int i = 0; i < 20; i++) {
            Thread other = Thread.startVirtualThread(thread::interrupt);
            assertThat(thread.run(r)).isEqualTo(StopReason.INTERRUPTED);
            other.join();
            assertThat(r.rip).isBetween(TEXT, TEXT + 2);
        }
    }

    @Test
    void interrupt_isKeptForTheNextRun() throws Exception {
        GuestThread thread = thread(space(new Code().syscall().syscall()));
        Registers r = entry();
        assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
        thread.interrupt();
        assertThat(thread.run(r)).isEqualTo(StopReason.INTERRUPTED);
        assertThat(r.rip).isEqualTo(TEXT + 2);
        assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
        assertThat(r.rip).isEqualTo(TEXT + 4);
    }

    @Test
    void floatingPoint_isKeptAndMoved() throws Exception {
        // 1: vmovdqu (%rdi), %ymm15; syscall; vmovdqu %ymm15, (%rsi); syscall
        AddressSpace space =
                space(
                        new Code()
                                .bytes(
                                        0xc5, 0x7e, 0x6f, 0x3f, 0x0f, 0x05, 0xc5, 0x7e, 0x7f, 0x3e,
                                        0x0f, 0x05));
        GuestThread thread = thread(space);
        long page = memory.allocate(1, 1);
        space.map(null, 0x500000, 4096, 0, page, PROT_READ | PROT_WRITE, true);
        for (int i = 0; i < 4; i++) {
            memory.view().setAtIndex(JAVA_LONG, page / 8 + i, 0x1111111111111111L * (i + 1));
        }
        Registers r = entry();
        r.rdi = 0x500000;
        r.rsi = 0x500100;
        assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fp = arena.allocate(thread.fpSize(), 64);
            thread.saveFp(fp);
            assertThat(fp.get(JAVA_LONG, 160 + 15 * 16)).isEqualTo(0x1111111111111111L); // xmm15
            GuestThread second = thread(space);
            second.resetFp();
            second.loadFp(fp);
            assertThat(second.run(r)).isEqualTo(StopReason.SYSCALL);
            assertThat(memory.view().get(JAVA_LONG, page + 0x100)).isEqualTo(0x1111111111111111L);
            assertThat(memory.view().get(JAVA_LONG, page + 0x118)).isEqualTo(0x4444444444444444L);
            second.resetFp();
            r.rip = TEXT + 6;
            assertThat(second.run(r)).isEqualTo(StopReason.SYSCALL);
            assertThat(memory.view().get(JAVA_LONG, page + 0x118)).isZero();
        }
    }

    @Test
    void twoThreads_runAtOnce() throws Exception {
        // 1: lock incq (%rdi); cmp %rsi, (%rdi); jb 1b; syscall
        AddressSpace space =
                space(
                        new Code()
                                .bytes(
                                        0xf0, 0x48, 0xff, 0x07, 0x48, 0x39, 0x37, 0x72, 0xf7, 0x0f,
                                        0x05));
        CountDownLatch done = new CountDownLatch(2);
        List<StopReason> reasons = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            GuestThread thread = thread(space);
            Thread.ofPlatform()
                    .start(
                            () -> {
                                Registers r = entry();
                                r.rdi = DATA;
                                r.rsi = 100_000;
                                StopReason reason = thread.run(r);
                                synchronized (reasons) {
                                    reasons.add(reason);
                                }
                                done.countDown();
                            });
        }
        done.await();
        assertThat(reasons).containsExactly(StopReason.SYSCALL, StopReason.SYSCALL);
    }

    @Test
    void addressSpaces_areSeparate() throws Exception {
        List<GuestThread> threads = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            threads.add(
                    thread(
                            space(
                                    new Code()
                                            .bytes(
                                                    0x48, 0x87, 0x37, 0x0f,
                                                    0x05)))); // xchg %rsi, (%rdi); syscall
        }
        for (int i = 0; i < 20; i++) {
            Registers r = entry();
            r.rdi = DATA;
            r.rsi = i + 1;
            assertThat(threads.get(i).run(r)).isEqualTo(StopReason.SYSCALL);
            assertThat(r.rsi).isZero();
        }
    }

    @Test
    void noHostCall_fromTheStubsText() throws Exception {
        // jmp *%rbx with the registers of an mmap over the data, to every syscall instruction of
        // the stub
        AddressSpace space = space(new Code().bytes(0xff, 0xe3));
        long base = platform.maxAddress();
        GuestThread scout =
                thread(
                        space(
                                new Code()
                                        .bytes(
                                                0x0f, 0xb7, 0x07, 0x0f,
                                                0x05))); // movzwl (%rdi), %eax; syscall
        int tried = 0;
        for (long at = base; at < base + 4095; at++) {
            Registers r = entry();
            r.rdi = at;
            if (scout.run(r) != StopReason.SYSCALL) {
                break;
            }
            if (r.origRax != 0x050f) {
                continue;
            }
            tried++;
            GuestThread thread = thread(space);
            r = entry();
            r.rbx = at;
            r.rax = 9;
            r.rdi = 0x500000;
            r.rsi = 4096;
            r.rdx = 7;
            r.r10 = 0x32;
            r.r8 = -1;
            StopReason reason = thread.run(r);
            if (reason == StopReason.DEAD) {
                space = space(new Code().bytes(0xff, 0xe3));
                continue;
            }
            assertThat(reason == StopReason.SYSCALL && r.origRax == 9 || reason == StopReason.FAULT)
                    .as("at %x: %s %x", at, reason, r.rax)
                    .isTrue();
        }
        assertThat(tried).isGreaterThan(3);
    }

    @Test
    void vsyscallPage_letsNothingThrough() throws Exception {
        GuestThread thread =
                thread(
                        space(
                                new Code()
                                        .bytes(
                                                0xff, 0xd3, 0x0f,
                                                0x05))); // call *%rbx: the vsyscall page's time()
        Registers r = entry();
        r.rbx = 0xffffffffff600400L;
        StopReason reason = thread.run(r);
        assertThat(
                        reason == StopReason.FAULT
                                || reason == StopReason.SYSCALL
                                        && r.origRax == 201
                                        && r.rip == TEXT + 2)
                .as("%s %d %x", reason, r.origRax, r.rip)
                .isTrue();
    }

    @Test
    void badRip_faults() throws Exception {
        GuestThread thread = thread(space(new Code().syscall()));
        for (long rip : new long[] {0x8000_0000_0000L, -4096, 0x123456789abcdef0L}) {
            Registers r = entry();
            r.rip = rip;
            assertThat(thread.run(r)).isEqualTo(StopReason.FAULT);
            assertThat(thread.faultSignal()).isEqualTo(SIGSEGV);
        }
        Registers r = entry();
        assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
    }

    @Test
    void closedAddressSpace_isDead() throws Exception {
        AddressSpace space = space(new Code().loop());
        GuestThread thread = thread(space);
        Thread killer = Thread.startVirtualThread(space::close);
        assertThat(thread.run(entry())).isEqualTo(StopReason.DEAD);
        killer.join();
        assertThat(thread.run(entry())).isEqualTo(StopReason.DEAD);
    }

    /** Runs {@code code}, an endless loop around one call, until its site is patched (where the platform does that), changing every register at each stop. */
    private void patched(Code code, int length) throws Exception {
        AddressSpace space = space(code);
        GuestThread thread = thread(space);
        Registers r = entry();
        r.rax = 1000;
        for (int round = 0; round < 50; round++) {
            assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
            assertThat(r.origRax).isEqualTo(1000);
            assertThat(r.rax).isEqualTo(1000);
            assertThat(r.rcx).isIn(r.rip, TEXT + length);
            assertThat(r.rsp).isEqualTo(DATA + 0x8000);
            assertThat(List.of(r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9)).containsOnly((long) round);
            assertThat(List.of(r.rbx, r.rbp, r.r12, r.r13, r.r14, r.r15))
                    .containsOnly((long) -round);
            assertThat(r.fsBase).isEqualTo(round == 0 ? 0 : DATA + round);
            assertThat(r.gsBase).isZero();
            if (round % 10 == 9) { // the same call again
                r.rip = r.restartRip;
                r.rax = r.origRax;
                assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
                assertThat(r.origRax).isEqualTo(1000);
            }
            if (round % 10 == 5) {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment fp = arena.allocate(thread.fpSize(), 64);
                    thread.saveFp(fp);
                    thread.loadFp(fp);
                }
            }
            if (round % 10 == 7) {
                thread.interrupt();
                assertThat(thread.run(r)).isEqualTo(StopReason.INTERRUPTED);
            }
            long next = round + 1;
            r.rax = 1000;
            r.rdi = r.rsi = r.rdx = r.r10 = r.r8 = r.r9 = next;
            r.rbx = r.rbp = r.r12 = r.r13 = r.r14 = r.r15 = -next;
            r.fsBase = DATA + next;
            r.eflags = 0x202 | (round & 1);
        }
        if (name.equals("systrap")) {
            assertThat(requireNonNull(patchers.get(space)).writes).isEqualTo(3);
        }
    }

    @Test
    void patchedMove_behavesAsBefore() throws Exception {
        patched(
                new Code().bytes(0x90, 0x90, 0xb8, 0xe8, 3, 0, 0, 0x0f, 0x05, 0xeb, 0xf7),
                9); // 1: mov $1000, %eax; syscall; jmp 1b
    }

    @Test
    void patchedCompare_behavesAsBefore() throws Exception {
        patched(
                new Code().bytes(0x0f, 0x05, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0xeb, 0xf6),
                2); // 1: syscall; cmp $-4096, %rax; jmp 1b
    }

    @Test
    void callInFlight_returnsIntoAPatchedSite() throws Exception {
        // syscall; cmp $1000, %rax; sete %bl; jmp 1b
        AddressSpace space =
                space(
                        new Code()
                                .bytes(
                                        0x0f, 0x05, 0x48, 0x3d, 0xe8, 3, 0, 0, 0x0f, 0x94, 0xc3,
                                        0xeb, 0xf3));
        GuestThread blocked = thread(space);
        Registers b = entry();
        b.rax = 5;
        assertThat(blocked.run(b)).isEqualTo(StopReason.SYSCALL);
        GuestThread thread = thread(space);
        Registers r = entry();
        for (int i = 0; i < 20; i++) {
            assertThat(thread.run(r)).isEqualTo(StopReason.SYSCALL);
            r.rax = 1000;
        }
        assertThat(r.rbx & 1).isOne();
        b.rax = 1000;
        assertThat(blocked.run(b)).isEqualTo(StopReason.SYSCALL);
        assertThat(b.rbx & 1).isOne();
        assertThat(b.origRax).isEqualTo(1000);
    }

    @Test
    void interrupt_reachesPatchedLoops() throws Exception {
        AddressSpace space =
                space(new Code().bytes(0x90, 0x90, 0xb8, 0xe8, 3, 0, 0, 0x0f, 0x05, 0xeb, 0xf7));
        GuestThread thread = thread(space);
        Registers r = entry();
        for (int i = 0; i < 200; i++) {
            Thread other = Thread.startVirtualThread(thread::interrupt);
            StopReason reason;
            while ((reason = thread.run(r)) == StopReason.SYSCALL) {
                r.rax = 0;
            }
            assertThat(reason).isEqualTo(StopReason.INTERRUPTED);
            other.join();
        }
    }

    @Test
    void killedSandbox_leavesNoStub() throws Exception {
        String java = ProcessHandle.current().info().command().orElseThrow();
        Process sandbox =
                new ProcessBuilder(
                                java,
                                "--enable-native-access=ALL-UNNAMED",
                                "-Dthaw.native=" + System.getProperty("thaw.native"),
                                "-cp",
                                System.getProperty("java.class.path"),
                                Sleeper.class.getName(),
                                name)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        List<Long> stubs = new ArrayList<>();
        try (BufferedReader out = sandbox.inputReader()) {
            for (String pid : out.readLine().split(" ")) {
                stubs.add(Long.parseLong(pid));
            }
        } finally {
            sandbox.destroyForcibly().waitFor();
        }
        assertThat(stubs).hasSizeGreaterThan(3);
        for (long pid : stubs) {
            while (runs(pid)) { // the test's time limit ends this
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    private static boolean runs(long pid) throws IOException {
        try {
            return !Files.readString(Path.of("/proc/" + pid + "/stat")).contains(") Z ");
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** A sandbox process with address spaces, one of them computing: prints the pids of all its stubs and waits to be killed. */
    static final class Sleeper {
        public static void main(String[] args) throws Exception {
            MemoryFile memory = MemFdMemoryFile.create(64 << 20);
            Platform platform = Platforms.create(args[0], memory);
            AddressSpace space = platform.newAddressSpace();
            platform.newAddressSpace();
            platform.newAddressSpace();
            long text = memory.allocate(1, 1);
            MemorySegment.copy(new Code().loop().toBytes(), 0, memory.view(), JAVA_BYTE, text, 2);
            space.map(null, TEXT, 4096, 0, text, PROT_READ | PROT_EXEC, false);
            GuestThread thread = space.newThread();
            Thread.ofPlatform()
                    .start(
                            () -> {
                                String pids =
                                        ProcessHandle.current()
                                                .descendants()
                                                .map(p -> Long.toString(p.pid()))
                                                .collect(Collectors.joining(" "));
                                System.out.println(pids);
                            });
            thread.run(entry());
        }
    }
}
