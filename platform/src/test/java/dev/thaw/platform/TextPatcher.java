package dev.thaw.platform;

import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_READ;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.util.Objects.requireNonNull;

import dev.thaw.platform.memory.MemoryFile;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** The memory manager's part of call-site patching, for pages named by the test. */
final class TextPatcher implements CallSitePatcher {
    private final MemoryFile memory;
    private final AddressSpace space;
    private final Map<Long, Long> pages = new TreeMap<>();
    private long next = 0x20000000;
    int writes;

    TextPatcher(MemoryFile memory, AddressSpace space) {
        this.memory = memory;
        this.space = space;
    }

    void add(long address, long offset) {
        pages.put(address, offset);
    }

    @Override
    public boolean readText(long address, byte[] target) {
        for (int i = 0; i < target.length; i++) {
            Long page = pages.get(address + i & -4096);
            if (page == null) {
                return false;
            }
            target[i] = memory.view().get(JAVA_BYTE, page + (address + i & 4095));
        }
        return true;
    }

    @Override
    public boolean writeText(long address, byte[] expected, byte[] replacement) {
        byte[] now = new byte[expected.length];
        if (!readText(address, now) || !Arrays.equals(now, expected)) {
            return false;
        }
        long old = requireNonNull(pages.get(address & -4096));
        long fresh = memory.allocate(1, 1);
        MemorySegment.copy(memory.view(), old, memory.view(), fresh, 4096);
        MemorySegment.copy(
                replacement,
                0,
                memory.view(),
                JAVA_BYTE,
                fresh + (address & 4095),
                replacement.length);
        pages.put(address & -4096, fresh);
        writes++;
        return space.map(null, address & -4096, 4096, 0, fresh, PROT_READ | PROT_EXEC, true) == 0;
    }

    @Override
    public long allocateTrampolines(long near, long length) {
        long base = next;
        next += length;
        long offset = memory.allocate(length / 4096, 1);
        space.map(null, base, length, 0, offset, PROT_READ | PROT_EXEC, false);
        for (long i = 0; i < length; i += 4096) {
            pages.put(base + i, offset + i);
        }
        return base;
    }
}
