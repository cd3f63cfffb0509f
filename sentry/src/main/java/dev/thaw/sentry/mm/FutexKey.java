package dev.thaw.sentry.mm;

import org.jspecify.annotations.Nullable;

/** What a futex word is, wherever it is mapped: {@code address} in {@code mm} for private memory, an offset of the memory file (and no {@code mm}) for shared memory. */
public record FutexKey(@Nullable MemoryManager mm, long address) {
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof FutexKey key && key.mm == mm && key.address == address;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(address >>> 2) * 31 + System.identityHashCode(mm);
    }
}
