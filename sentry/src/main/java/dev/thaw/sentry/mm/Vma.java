package dev.thaw.sentry.mm;

import static dev.thaw.abi.Mman.MAP_GROWSDOWN;
import static dev.thaw.abi.Mman.MAP_LOCKED;
import static dev.thaw.abi.Mman.MAP_NORESERVE;
import static dev.thaw.abi.Mman.MAP_SHARED;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_NONE;
import static dev.thaw.abi.Mman.PROT_WRITE;

import dev.thaw.sentry.vfs.FileDescription;
import org.jspecify.annotations.Nullable;

/** A range of an address space with one kind of content and access (Linux: {@code struct vm_area_struct}). Guarded by the address space's lock; owns one reference to its file. */
final class Vma {
    /** Not inherited by fork (MADV_DONTFORK). */
    static final int DONTFORK = 1 << 28;

    /** Empty in a forked child (MADV_WIPEONFORK). */
    static final int WIPEONFORK = 1 << 29;

    /** The program break's. */
    static final int HEAP = 1 << 30;

    /** Its pages are the Sentry's (vDSO, vvar): never written, moved or merged by the guest. */
    static final int SPECIAL = 1 << 27;

    /** Which of the flags of mmap(2) a VMA keeps; those above are added. */
    static final int KEPT_FLAGS = MAP_SHARED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE;

    long start;
    long end;
    int prot;

    /** The most that mprotect may give: a shared mapping of a file not open for writing never becomes writable. */
    final int maxProt;

    int flags;

    /** What is mapped; null for private anonymous memory. */
    final @Nullable Mappable mappable;

    /** Byte of the mapped file at {@link #start}. */
    long fileOffset;

    final @Nullable FileDescription file;

    /** Such as {@code [vdso]}; empty for most. */
    final String name;

    Vma(
            long start,
            long end,
            int prot,
            int maxProt,
            int flags,
            @Nullable Mappable mappable,
            long fileOffset,
            @Nullable FileDescription file,
            String name) {
        this.start = start;
        this.end = end;
        this.prot = prot;
        this.maxProt = maxProt;
        this.flags = flags;
        this.mappable = mappable;
        this.fileOffset = fileOffset;
        this.file = file;
        this.name = name;
    }

    /** The part {@code [from, to)} of this, with a file reference of its own. */
    Vma part(long from, long to) {
        return new Vma(
                from,
                to,
                prot,
                maxProt,
                flags,
                mappable,
                mappable == null ? 0 : fileOffset + (from - start),
                file == null ? null : file.acquire(),
                name);
    }

    long length() {
        return end - start;
    }

    long offsetOf(long address) {
        return fileOffset + (address - start);
    }

    boolean isShared() {
        return (flags & MAP_SHARED) != 0;
    }

    boolean growsDown() {
        return (flags & MAP_GROWSDOWN) != 0;
    }

    /** Whether {@code access} is allowed: on x86 whatever is accessible at all can be read. */
    boolean permits(int access) {
        if (prot == PROT_NONE) {
            return false;
        }
        return (access & (PROT_WRITE | PROT_EXEC) & ~prot) == 0;
    }

    boolean canMergeWith(Vma next) {
        return end == next.start
                && prot == next.prot
                && maxProt == next.maxProt
                && flags == next.flags
                && (flags & SPECIAL) == 0
                && mappable == next.mappable
                && file == next.file
                && (mappable == null || fileOffset + length() == next.fileOffset)
                && name.equals(next.name);
    }
}
