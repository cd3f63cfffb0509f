package dev.thaw.sentry.mm;

import java.util.ArrayList;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The VMAs of an address space, sorted by address, never overlapping. Guarded by the address space's lock. */
final class VmaList {
    private @Nullable Vma[] items = new @Nullable Vma[32];
    private int size;
    private @Nullable Vma lastHit;
    private long totalBytes;

    int size() {
        return size;
    }

    /** Bytes of address space in use. */
    long totalBytes() {
        return totalBytes;
    }

    Vma get(int index) {
        Vma vma = index < size ? items[index] : null;
        if (vma == null) {
            throw new IndexOutOfBoundsException(index);
        }
        return vma;
    }

    /** Index of the first VMA that ends above {@code address}; {@link #size} when there is none. */
    int firstEndingAbove(long address) {
        int low = 0;
        int high = size;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (get(middle).end <= address) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** The VMA that contains {@code address}, or null. */
    @Nullable Vma find(long address) {
        Vma hit = lastHit;
        if (hit != null && hit.start <= address && address < hit.end) {
            return hit;
        }
        int index = firstEndingAbove(address);
        if (index == size || get(index).start > address) {
            return null;
        }
        lastHit = items[index];
        return lastHit;
    }

    /** The VMA that contains {@code address}, which the caller knows to be there. */
    Vma require(long address) {
        Vma vma = find(address);
        if (vma == null) {
            throw new AssertionError("nothing is mapped at " + Long.toHexString(address));
        }
        return vma;
    }

    /** Whether nothing is mapped in the range. */
    boolean isFree(long start, long end) {
        int index = firstEndingAbove(start);
        return index == size || get(index).start >= end;
    }

    void insert(Vma vma) {
        int index = firstEndingAbove(vma.start);
        assert index == size || get(index).start >= vma.end : "overlap";
        if (size == items.length) {
            items = Arrays.copyOf(items, 2 * size);
        }
        System.arraycopy(items, index, items, index + 1, size - index);
        items[index] = vma;
        size++;
        totalBytes += vma.length();
    }

    void removeAt(int index) {
        totalBytes -= get(index).length();
        System.arraycopy(items, index + 1, items, index, size - index - 1);
        items[--size] = null;
        lastHit = null;
    }

    /** Moves a VMA's bounds; the caller sees to it that it stays clear of its neighbours. */
    void resize(Vma vma, long start, long end) {
        totalBytes += (end - start) - vma.length();
        if (vma.mappable != null) {
            vma.fileOffset += start - vma.start;
        }
        vma.start = start;
        vma.end = end;
    }

    /** Makes {@code address} a boundary: a VMA around it becomes two. */
    void split(long address) {
        int index = firstEndingAbove(address);
        if (index < size && get(index).start < address) {
            Vma lower = get(index);
            Vma upper = lower.part(address, lower.end);
            resize(lower, lower.start, address);
            insert(upper);
        }
    }

    /** Joins neighbours that are alike, from the one before {@code start} to the one after {@code end}. Owners of dropped file references go to {@code dropped}. */
    void merge(long start, long end, ArrayList<AutoCloseable> dropped) {
        int index = Math.max(0, firstEndingAbove(start) - 1);
        while (index + 1 < size && get(index).start <= end) {
            Vma lower = get(index);
            Vma upper = get(index + 1);
            if (lower.canMergeWith(upper)) {
                removeAt(index + 1);
                resize(lower, lower.start, upper.end);
                if (upper.file != null) {
                    dropped.add(upper.file);
                }
            } else {
                index++;
            }
        }
    }

    void clear() {
        Arrays.fill(items, 0, size, null);
        size = 0;
        totalBytes = 0;
        lastHit = null;
    }
}
