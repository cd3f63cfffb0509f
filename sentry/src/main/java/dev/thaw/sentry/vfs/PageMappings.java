package dev.thaw.sentry.vfs;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.Mappable;
import dev.thaw.sentry.mm.MemoryManager;
import java.util.ArrayList;
import java.util.List;

/** Which address spaces map which parts of a file (Linux: {@code address_space.i_mmap}). */
final class PageMappings {
    private record Mapping(MemoryManager mm, long address, long offset, long length) {}

    /** Taken under MM. */
    private final KernelLock mu = new KernelLock(LockClass.MAPPINGS);

    @GuardedBy("mu")
    private final ArrayList<Mapping> mappings = new ArrayList<>(0);

    void add(MemoryManager mm, long address, long offset, long length) {
        mu.lock();
        try {
            mappings.add(new Mapping(mm, address, offset, length));
        } finally {
            mu.unlock();
        }
    }

    /** Takes the range out of what {@code mm} maps, splitting mappings that reach beyond it. */
    void remove(MemoryManager mm, long address, long length) {
        long to = address + length;
        mu.lock();
        try {
            for (int i = mappings.size() - 1; i >= 0; i--) {
                Mapping m = mappings.get(i);
                long end = m.address + m.length;
                if (m.mm != mm || m.address >= to || address >= end) {
                    continue;
                }
                mappings.remove(i);
                if (m.address < address) {
                    mappings.add(new Mapping(mm, m.address, m.offset, address - m.address));
                }
                if (end > to) {
                    mappings.add(new Mapping(mm, to, m.offset + (to - m.address), end - to));
                }
            }
        } finally {
            mu.unlock();
        }
    }

    boolean isEmpty() {
        mu.lock();
        try {
            return mappings.isEmpty();
        } finally {
            mu.unlock();
        }
    }

    /** Tells everyone who maps a part of file bytes {@code from … to-1} to forget it. No lock after FUTEX in the order is held. */
    void invalidate(Mappable file, long from, long to) {
        List<Mapping> told;
        mu.lock();
        try {
            told = mappings.isEmpty() ? List.of() : List.copyOf(mappings);
        } finally {
            mu.unlock();
        }
        for (Mapping m : told) {
            long start = Math.max(m.offset, from);
            long end = Math.min(m.offset + m.length, to);
            if (start < end) {
                m.mm.invalidate(file, start, end - start);
            }
        }
    }
}
