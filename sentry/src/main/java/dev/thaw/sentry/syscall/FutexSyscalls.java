package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOSYS;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Errno.ERESTARTSYS;
import static dev.thaw.abi.Errno.ERESTART_RESTARTBLOCK;
import static dev.thaw.abi.Errno.ESRCH;
import static dev.thaw.abi.Futex.*;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;

/** futex, set_robust_list, get_robust_list, set_tid_address. */
final class FutexSyscalls {
    /** futex(2): uaddr, op, val, timeout or val2, uaddr2, val3. */
    static long futex(Task task, SyscallArgs args) throws ErrnoException {
        long address = args.addr(0);
        int op = args.int32(1);
        int value = args.int32(2);
        boolean shared = (op & FUTEX_PRIVATE_FLAG) == 0;
        int command = op & FUTEX_CMD_MASK;
        if ((op & FUTEX_CLOCK_REALTIME) != 0
                && command != FUTEX_WAIT
                && command != FUTEX_WAIT_BITSET) {
            return -ENOSYS;
        }
        return switch (command) {
            case FUTEX_WAIT ->
                    await(
                            task,
                            args,
                            address,
                            shared,
                            value,
                            FUTEX_BITSET_MATCH_ANY,
                            true,
                            (op & FUTEX_CLOCK_REALTIME) != 0);
            case FUTEX_WAIT_BITSET ->
                    await(
                            task,
                            args,
                            address,
                            shared,
                            value,
                            args.int32(5),
                            false,
                            (op & FUTEX_CLOCK_REALTIME) != 0);
            case FUTEX_WAKE ->
                    task.kernel()
                            .futexes()
                            .wake(
                                    task,
                                    address,
                                    shared,
                                    Math.max(1, value),
                                    FUTEX_BITSET_MATCH_ANY);
            case FUTEX_WAKE_BITSET ->
                    task.kernel()
                            .futexes()
                            .wake(task, address, shared, Math.max(1, value), args.int32(5));
            case FUTEX_REQUEUE ->
                    task.kernel()
                            .futexes()
                            .requeue(
                                    task,
                                    address,
                                    args.addr(4),
                                    shared,
                                    value,
                                    args.int32(3),
                                    false,
                                    0);
            case FUTEX_CMP_REQUEUE ->
                    task.kernel()
                            .futexes()
                            .requeue(
                                    task,
                                    address,
                                    args.addr(4),
                                    shared,
                                    value,
                                    args.int32(3),
                                    true,
                                    args.int32(5));
            case FUTEX_WAKE_OP ->
                    task.kernel()
                            .futexes()
                            .wakeOperation(
                                    task,
                                    address,
                                    args.addr(4),
                                    shared,
                                    value,
                                    args.int32(3),
                                    args.int32(5));
            default -> -ENOSYS;
        };
    }

    private static long await(
            Task task,
            SyscallArgs args,
            long address,
            boolean shared,
            int expected,
            int bitset,
            boolean relative,
            boolean realtime)
            throws ErrnoException {
        long timeoutAddress = args.addr(3);
        long deadline = Long.MAX_VALUE;
        if (timeoutAddress != 0) {
            long time = Guest.readTimespec(task, timeoutAddress);
            if (!relative) {
                time =
                        Math.max(
                                0,
                                time
                                        - (realtime
                                                ? task.kernel().clock().realtime()
                                                : task.kernel().clock().monotonic()));
            }
            deadline = task.deadline(time);
        }
        int result =
                task.kernel().futexes().await(task, address, shared, expected, bitset, deadline);
        return result == -ERESTARTSYS && timeoutAddress != 0 ? -ERESTART_RESTARTBLOCK : result;
    }

    static long setRobustList(Task task, SyscallArgs args) {
        if (args.size(1) != 24) {
            return -EINVAL;
        }
        task.setRobustList(args.addr(0));
        return 0;
    }

    static long getRobustList(Task task, SyscallArgs args) throws ErrnoException {
        int tid = args.int32(0);
        Task target = tid == 0 ? task : task.kernel().tasks().task(tid);
        if (target == null) {
            return -ESRCH;
        }
        if (target.threadGroup() != task.threadGroup() && task.credentials().euid() != 0) {
            return -EPERM;
        }
        task.mm().writeLong(args.addr(1), target.robustList());
        task.mm().writeLong(args.addr(2), 24);
        return 0;
    }

    static long setTidAddress(Task task, SyscallArgs args) {
        task.setClearChildTid(args.addr(0));
        return task.tid();
    }

    private FutexSyscalls() {}
}
