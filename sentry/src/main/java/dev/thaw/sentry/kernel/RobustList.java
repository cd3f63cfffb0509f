package dev.thaw.sentry.kernel;

import dev.thaw.abi.Futex;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.MemoryManager;

/**
 * The list of locks that a thread holds when it dies (set_robust_list(2)): each word that still names the thread is marked FUTEX_OWNER_DIED and one waiter is woken.
 *
 * <pre>
 * struct robust_list_head { 0 list.next  8 futex_offset  16 list_op_pending } // bit 0 of an entry: priority-inheriting
 * </pre>
 */
final class RobustList {
    static final int HEAD_SIZE = 24;
    private static final int LIMIT = 2048;

    static void exit(Task task, MemoryManager mm) {
        long head = task.robustList;
        task.robustList = 0;
        if (head == 0) {
            return;
        }
        try {
            long offset = mm.readLong(head + 8);
            long pending = mm.readLong(head + 16);
            long entry = mm.readLong(head);
            for (int i = 0; i < LIMIT && (entry & ~1L) != head; i++) {
                long next = mm.readLong(entry & ~1L);
                if ((entry & ~1L) != (pending & ~1L)) {
                    died(task, mm, (entry & ~1L) + offset, false);
                }
                entry = next;
            }
            if ((pending & ~1L) != 0) {
                died(task, mm, (pending & ~1L) + offset, true);
            }
        } catch (ErrnoException e) {
            // The guest's list leads nowhere: Linux gives up as well.
        }
    }

    private static void died(Task task, MemoryManager mm, long address, boolean pending)
            throws ErrnoException {
        if ((address & 3) != 0) {
            return;
        }
        while (true) {
            int value = mm.readInt(address);
            if (pending && value == 0) {
                task.kernel().futexes().wake(task, address, true, 1, Futex.FUTEX_BITSET_MATCH_ANY);
                return;
            }
            if ((value & Futex.FUTEX_TID_MASK) != task.tid()) {
                return;
            }
            int dead = value & Futex.FUTEX_WAITERS | Futex.FUTEX_OWNER_DIED;
            if (mm.compareAndSwapInt(address, value, dead) == value) {
                if ((value & Futex.FUTEX_WAITERS) != 0) {
                    task.kernel()
                            .futexes()
                            .wake(task, address, true, 1, Futex.FUTEX_BITSET_MATCH_ANY);
                    task.kernel()
                            .futexes()
                            .wake(task, address, false, 1, Futex.FUTEX_BITSET_MATCH_ANY);
                }
                return;
            }
        }
    }

    private RobustList() {}
}
