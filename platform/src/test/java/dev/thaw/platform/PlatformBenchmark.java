package dev.thaw.platform;

import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.thaw.platform.memory.MemFdMemoryFile;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.Callable;

/** What the platform's primitives cost, without a kernel above. Run: {@code main PLATFORM [ROUNDS]}; prints the best and the median of the rounds. */
final class PlatformBenchmark {
    private static final long TEXT = 0x400000;
    private static final long DATA = 0x10000000;

    private final MemFdMemoryFile memory;
    private final Platform platform;
    private final int rounds;

    private PlatformBenchmark(String name, int rounds) throws Exception {
        memory = MemFdMemoryFile.create(1 << 30);
        platform = Platforms.create(name, memory);
        this.rounds = rounds;
    }

    public static void main(String[] args) throws Exception {
        new PlatformBenchmark(args[0], args.length > 1 ? Integer.parseInt(args[1]) : 15).all();
    }

    private AddressSpace space(Code code) throws Exception {
        AddressSpace space = platform.newAddressSpace();
        long text = memory.allocate(1, 1);
        MemorySegment.copy(
                code.toBytes(), 0, memory.view(), JAVA_BYTE, text, code.toBytes().length);
        space.map(null, TEXT, 4096, 0, text, PROT_READ | PROT_EXEC, true);
        return space;
    }

    private void row(String name, int count, Callable<?> body) throws Exception {
        double[] ns = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            long start = System.nanoTime();
            body.call();
            ns[i] = (double) (System.nanoTime() - start) / count;
        }
        Arrays.sort(ns);
        System.out.printf("%-40s best %9.0f ns   median %9.0f ns%n", name, ns[0], ns[rounds / 2]);
    }

    private void all() throws Exception {
        AddressSpace space = space(new Code().syscall().bytes(0xeb, 0xfc));
        GuestThread thread = space.newThread();
        Registers r = new Registers();
        r.rip = TEXT;
        row(
                "system call",
                20_000,
                () -> {
                    for (int i = 0; i < 20_000; i++) {
                        if (thread.run(r) != StopReason.SYSCALL) {
                            throw new AssertionError();
                        }
                    }
                    return null;
                });
        AddressSpace patched = platform.newAddressSpace();
        TextPatcher patcher = new TextPatcher(memory, patched);
        long page = memory.allocate(1, 1);
        patcher.add(TEXT, page);
        patched.setPatcher(patcher);
        byte[] code =
                new Code()
                        .bytes(0x90, 0x90, 0xb8, 0xe8, 3, 0, 0, 0x0f, 0x05, 0xeb, 0xf7)
                        .toBytes(); // 1: mov $1000, %eax; syscall; jmp 1b
        MemorySegment.copy(code, 0, memory.view(), JAVA_BYTE, page, code.length);
        patched.map(null, TEXT, 4096, 0, page, PROT_READ | PROT_EXEC, true);
        GuestThread jumping = patched.newThread();
        r.rip = TEXT;
        row(
                "system call, site patched",
                100_000,
                () -> {
                    for (int i = 0; i < 100_000; i++) {
                        if (jumping.run(r) != StopReason.SYSCALL) {
                            throw new AssertionError();
                        }
                    }
                    return null;
                });
        AddressSpace toucher =
                space(
                        new Code()
                                .bytes(
                                        0x88, 0x07, 0x48, 0x81, 0xc7, 0, 0x10, 0, 0, 0xeb,
                                        0xf5)); // 1: mov %al, (%rdi); add $4096, %rdi; jmp 1b
        GuestThread touching = toucher.newThread();
        long pages = memory.allocate(1000, 1);
        row(
                "page fault, answered by one map",
                1000,
                () -> {
                    Registers t = new Registers();
                    t.rip = TEXT;
                    t.rdi = DATA;
                    for (int i = 0; i < 1000; i++) {
                        if (touching.run(t) != StopReason.FAULT) {
                            throw new AssertionError();
                        }
                        toucher.map(
                                touching,
                                DATA + i * 4096L,
                                4096,
                                0,
                                pages + i * 4096L,
                                PROT_READ | PROT_WRITE,
                                true);
                    }
                    toucher.unmap(touching, DATA, 1000 * 4096L);
                    return null;
                });
        row(
                "map, no fault",
                1000,
                () -> {
                    for (int i = 0; i < 1000; i++) {
                        toucher.map(
                                touching,
                                DATA + i * 4096L,
                                4096,
                                0,
                                pages + i * 4096L,
                                PROT_READ | PROT_WRITE,
                                false);
                    }
                    return null;
                });
        row(
                "protect",
                1000,
                () -> {
                    for (int i = 0; i < 1000; i++) {
                        toucher.protect(touching, DATA + i * 4096L, 4096, PROT_READ);
                    }
                    return null;
                });
        row(
                "unmap",
                1000,
                () -> {
                    for (int i = 0; i < 1000; i++) {
                        toucher.unmap(touching, DATA + i * 4096L, 4096);
                    }
                    return null;
                });
        row(
                "address space, thread, close",
                20,
                () -> {
                    for (int i = 0; i < 20; i++) {
                        AddressSpace one = platform.newAddressSpace();
                        GuestThread first = one.newThread();
                        first.close();
                        one.close();
                    }
                    return null;
                });
        row(
                "thread, close",
                20,
                () -> {
                    for (int i = 0; i < 20; i++) {
                        toucher.newThread().close();
                    }
                    return null;
                });
        platform.close();
    }
}
