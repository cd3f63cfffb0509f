package dev.thaw.sentry.kernel;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOSYS;

import dev.thaw.abi.Futex;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.MemoryManager;
import org.jspecify.annotations.Nullable;

/**
 * Futexes (Linux: {@code kernel/futex}): queues of tasks by the place of a word in memory. A place is an address space and an address, or for shared memory what is mapped there and an offset. Not saved: a
 * waiter's call is made again after a restore.
 *
 * <p>The word is read under its bucket's lock, so a wake that follows a change of the word finds every task that saw the old value. Reading may fault pages in: FUTEX comes before what a fault takes.
 */
public final class FutexTable {
    private static final int BUCKETS = 256;

    /** Tasks waiting on words with one hash, oldest first. */
    static final class Bucket {
        final KernelLock mu = new KernelLock(LockClass.FUTEX);
        final int index;
        @Nullable FutexWaiter first;
        @Nullable FutexWaiter last;

        Bucket(int index) {
            this.index = index;
        }

        void addLocked(FutexWaiter waiter) {
            waiter.previous = last;
            waiter.next = null;
            FutexWaiter tail = last;
            if (tail == null) {
                first = waiter;
            } else {
                tail.next = waiter;
            }
            last = waiter;
            waiter.bucket = this;
        }

        void removeLocked(FutexWaiter waiter) {
            FutexWaiter before = waiter.previous;
            FutexWaiter after = waiter.next;
            if (before == null) {
                first = after;
            } else {
                before.next = after;
            }
            if (after == null) {
                last = before;
            } else {
                after.previous = before;
            }
            waiter.next = null;
            waiter.previous = null;
            waiter.bucket = null;
        }
    }

    private final Bucket[] buckets = new Bucket[BUCKETS];

    FutexTable() {
        for (int i = 0; i < BUCKETS; i++) {
            buckets[i] = new Bucket(i);
        }
    }

    /** FUTEX_WAIT and FUTEX_WAIT_BITSET: 0, {@code -EAGAIN}, {@code -ETIMEDOUT} or {@code -ERESTARTSYS}. */
    public int await(
            Task task, long address, boolean shared, int expected, int bitset, long deadline)
            throws ErrnoException {
        if (bitset == 0) {
            return -EINVAL;
        }
        MemoryManager mm = task.mm();
        Object space = MemorySeam.futexSpace(mm, address, shared);
        long offset = MemorySeam.futexOffset(address, space);
        FutexWaiter waiter = task.futexWaiter;
        task.waiter().clear();
        Bucket bucket = bucket(space, offset);
        bucket.mu.lock();
        try {
            if (mm.readInt(address) != expected) {
                return -EAGAIN;
            }
            waiter.space = space;
            waiter.offset = offset;
            waiter.bitset = bitset;
            waiter.woken = false;
            bucket.addLocked(waiter);
        } finally {
            bucket.mu.unlock();
        }
        int result;
        do {
            result = task.block(deadline);
            if (waiter.woken) {
                break;
            }
            if (result == 0) {
                task.waiter().clear(); // a late wake of something else
                result = waiter.woken ? 0 : 1;
            }
        } while (result == 1);
        if (!waiter.woken) {
            dequeue(waiter);
        }
        waiter.space = null;
        return waiter.woken ? 0 : result;
    }

    /** FUTEX_WAKE and FUTEX_WAKE_BITSET: how many were woken. */
    public int wake(Task task, long address, boolean shared, int count, int bitset)
            throws ErrnoException {
        if (bitset == 0) {
            return -EINVAL;
        }
        MemoryManager mm = task.mm();
        Object space = MemorySeam.futexSpace(mm, address, shared);
        long offset = MemorySeam.futexOffset(address, space);
        Bucket bucket = bucket(space, offset);
        bucket.mu.lock();
        try {
            return wakeLocked(bucket, space, offset, count, bitset);
        } finally {
            bucket.mu.unlock();
        }
    }

    /** FUTEX_REQUEUE, and FUTEX_CMP_REQUEUE with {@code compare}. Returns how many were woken (plus, with {@code compare}, how many were moved). */
    public int requeue(
            Task task,
            long from,
            long to,
            boolean shared,
            int wake,
            int move,
            boolean compare,
            int expected)
            throws ErrnoException {
        if (wake < 0 || move < 0) {
            return -EINVAL;
        }
        MemoryManager mm = task.mm();
        Object space = MemorySeam.futexSpace(mm, from, shared);
        long offset = MemorySeam.futexOffset(from, space);
        Object targetSpace = MemorySeam.futexSpace(mm, to, shared);
        long targetOffset = MemorySeam.futexOffset(to, targetSpace);
        Bucket source = bucket(space, offset);
        Bucket target = bucket(targetSpace, targetOffset);
        lockBoth(source, target);
        try {
            if (compare && mm.readInt(from) != expected) {
                return -EAGAIN;
            }
            int woken = wakeLocked(source, space, offset, wake, Futex.FUTEX_BITSET_MATCH_ANY);
            int moved = 0;
            if (space.equals(targetSpace) && offset == targetOffset) {
                return woken;
            }
            FutexWaiter waiter = source.first;
            while (waiter != null && moved < move) {
                FutexWaiter next = waiter.next;
                if (waiter.offset == offset && space.equals(waiter.space)) {
                    source.removeLocked(waiter);
                    waiter.space = targetSpace;
                    waiter.offset = targetOffset;
                    target.addLocked(waiter);
                    moved++;
                }
                waiter = next;
            }
            return woken + moved;
        } finally {
            unlockBoth(source, target);
        }
    }

    /** FUTEX_WAKE_OP: changes the second word as {@code operation} says, wakes on the first, and on the second if its old value compares. */
    public int wakeOperation(
            Task task,
            long first,
            long second,
            boolean shared,
            int wakeFirst,
            int wakeSecond,
            int operation)
            throws ErrnoException {
        MemoryManager mm = task.mm();
        Object space = MemorySeam.futexSpace(mm, first, shared);
        long offset = MemorySeam.futexOffset(first, space);
        Object otherSpace = MemorySeam.futexSpace(mm, second, shared);
        long otherOffset = MemorySeam.futexOffset(second, otherSpace);
        Bucket source = bucket(space, offset);
        Bucket target = bucket(otherSpace, otherOffset);
        int op = operation >> 28 & 7;
        int compare = operation >> 24 & 15;
        int argument = operation << 8 >> 20;
        int operand = operation << 20 >> 20;
        if ((operation & 1 << 31) != 0) {
            argument = 1 << (argument & 31);
        }
        if (op > Futex.FUTEX_OP_XOR || compare > Futex.FUTEX_OP_CMP_GE) {
            return -ENOSYS;
        }
        lockBoth(source, target);
        try {
            int old = update(mm, second, op, argument);
            int woken = wakeLocked(source, space, offset, wakeFirst, Futex.FUTEX_BITSET_MATCH_ANY);
            if (holds(compare, old, operand)) {
                woken +=
                        wakeLocked(
                                target,
                                otherSpace,
                                otherOffset,
                                wakeSecond,
                                Futex.FUTEX_BITSET_MATCH_ANY);
            }
            return woken;
        } finally {
            unlockBoth(source, target);
        }
    }

    private static int update(MemoryManager mm, long address, int op, int argument)
            throws ErrnoException {
        int old = mm.readInt(address);
        while (true) {
            int value =
                    switch (op) {
                        case Futex.FUTEX_OP_SET -> argument;
                        case Futex.FUTEX_OP_ADD -> old + argument;
                        case Futex.FUTEX_OP_OR -> old | argument;
                        case Futex.FUTEX_OP_ANDN -> old & ~argument;
                        default -> old ^ argument;
                    };
            int found = mm.compareAndSwapInt(address, old, value);
            if (found == old) {
                return old;
            }
            old = found;
        }
    }

    private static boolean holds(int compare, int old, int operand) {
        return switch (compare) {
            case Futex.FUTEX_OP_CMP_EQ -> old == operand;
            case Futex.FUTEX_OP_CMP_NE -> old != operand;
            case Futex.FUTEX_OP_CMP_LT -> old < operand;
            case Futex.FUTEX_OP_CMP_LE -> old <= operand;
            case Futex.FUTEX_OP_CMP_GT -> old > operand;
            default -> old >= operand;
        };
    }

    private static int wakeLocked(Bucket bucket, Object space, long offset, int count, int bitset) {
        int woken = 0;
        FutexWaiter waiter = bucket.first;
        while (waiter != null && woken < count) {
            FutexWaiter next = waiter.next;
            if (waiter.offset == offset
                    && space.equals(waiter.space)
                    && (waiter.bitset & bitset) != 0) {
                bucket.removeLocked(waiter);
                waiter.woken = true;
                waiter.task.waiter().wake(1);
                woken++;
            }
            waiter = next;
        }
        return woken;
    }

    private static void dequeue(FutexWaiter waiter) {
        while (true) {
            Bucket bucket = waiter.bucket;
            if (bucket == null) {
                return; // a waker has it
            }
            bucket.mu.lock();
            try {
                if (waiter.bucket == bucket) {
                    bucket.removeLocked(waiter);
                    return;
                }
            } finally {
                bucket.mu.unlock();
            }
        }
    }

    private Bucket bucket(Object space, long offset) {
        long hash = (offset >>> 2) * 0x9E3779B97F4A7C15L + space.hashCode() * 0x9E3779B1L;
        return buckets[(int) (hash >>> 40) & BUCKETS - 1];
    }

    private static void lockBoth(Bucket a, Bucket b) {
        Bucket low = a.index <= b.index ? a : b;
        Bucket high = low == a ? b : a;
        low.mu.lock();
        if (high != low) {
            high.mu.lockNested("buckets in index order");
        }
    }

    private static void unlockBoth(Bucket a, Bucket b) {
        if (a != b) {
            b.mu.unlock();
        }
        a.mu.unlock();
    }
}
