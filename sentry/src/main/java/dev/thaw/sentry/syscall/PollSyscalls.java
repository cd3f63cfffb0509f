package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EBADF;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ERESTARTNOHAND;
import static dev.thaw.abi.Errno.ERESTARTSYS;
import static dev.thaw.abi.Errno.ETIMEDOUT;
import static dev.thaw.abi.Poll.POLLERR;
import static dev.thaw.abi.Poll.POLLHUP;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLNVAL;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.abi.Poll.POLLPRI;
import static dev.thaw.abi.Poll.POLLRDBAND;
import static dev.thaw.abi.Poll.POLLRDNORM;
import static dev.thaw.abi.Poll.POLLWRBAND;
import static dev.thaw.abi.Poll.POLLWRNORM;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.FileDescription;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** poll(2) and select(2) in all their forms (Linux: {@code fs/select.c}). */
final class PollSyscalls {
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int POLLFD_SIZE = 8;
    private static final int MAX_FDS = 1 << 20;

    private static final int IN_SET = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
    private static final int OUT_SET = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
    private static final int EX_SET = POLLPRI;

    /** poll(2). */
    static long poll(Task task, SyscallArgs args) throws ErrnoException {
        int millis = args.int32(2);
        return poll(task, args.addr(0), args.int32(1), Deadlines.ofMillis(task, millis));
    }

    /** ppoll(2). */
    static long ppoll(Task task, SyscallArgs args) throws ErrnoException {
        long timeAddr = args.addr(2);
        long timeout = Deadlines.readTimespec(task, timeAddr);
        SignalMasks.swap(task, args.addr(3), args.size(4));
        long deadline = Deadlines.of(task, timeout);
        long result = poll(task, args.addr(0), args.int32(1), deadline);
        if (timeAddr != 0) {
            Deadlines.writeRest(task, timeAddr, deadline, 1);
        }
        return result;
    }

    /** select(2). */
    static long select(Task task, SyscallArgs args) throws ErrnoException {
        long timeAddr = args.addr(4);
        long deadline = Deadlines.of(task, Deadlines.readTimeval(task, timeAddr));
        long result =
                select(task, args.int32(0), args.addr(1), args.addr(2), args.addr(3), deadline);
        if (timeAddr != 0) {
            Deadlines.writeRest(task, timeAddr, deadline, 1000);
        }
        return result;
    }

    /** pselect6(2): as select, with a mask behind a pointer to pointer and size. */
    static long pselect6(Task task, SyscallArgs args) throws ErrnoException {
        long timeAddr = args.addr(4);
        long packed = args.addr(5);
        long timeout = Deadlines.readTimespec(task, timeAddr);
        if (packed != 0) {
            SignalMasks.swap(task, task.mm().readLong(packed), task.mm().readLong(packed + 8));
        }
        long deadline = Deadlines.of(task, timeout);
        long result =
                select(task, args.int32(0), args.addr(1), args.addr(2), args.addr(3), deadline);
        if (timeAddr != 0) {
            Deadlines.writeRest(task, timeAddr, deadline, 1);
        }
        return result;
    }

    private static long poll(Task task, long address, int count, long deadline)
            throws ErrnoException {
        if (count < 0 || count > MAX_FDS || count > NewFiles.limit(task)) {
            return -EINVAL;
        }
        byte[] fds = count == 0 ? new byte[0] : task.mm().copyInBytes(address, count * POLLFD_SIZE);
        @Nullable FileDescription[] files = new @Nullable FileDescription[count];
        int[] masks = new int[count];
        long result;
        try {
            for (int i = 0; i < count; i++) {
                int fd = (int) INT.get(fds, i * POLLFD_SIZE);
                masks[i] = (short) SHORT.get(fds, i * POLLFD_SIZE + 4) & 0xffff;
                files[i] = fd < 0 ? null : task.fds().getOrNull(fd);
            }
            int[] ready = new int[count];
            result = await(task, files, masks, ready, countBad(fds, files), deadline);
            if (result >= 0) {
                for (int i = 0; i < count; i++) {
                    boolean bad = files[i] == null && (int) INT.get(fds, i * POLLFD_SIZE) >= 0;
                    SHORT.set(fds, i * POLLFD_SIZE + 6, (short) (bad ? POLLNVAL : ready[i]));
                }
                if (count > 0) {
                    task.mm().copyOutBytes(address, fds);
                }
            }
        } finally {
            closeAll(files);
        }
        return result;
    }

    private static int countBad(byte[] fds, @Nullable FileDescription[] files) {
        int bad = 0;
        for (int i = 0; i < files.length; i++) {
            if (files[i] == null && (int) INT.get(fds, i * POLLFD_SIZE) >= 0) {
                bad++;
            }
        }
        return bad;
    }

    /** Waits until one of {@code files} is ready for its mask; fills {@code ready} and returns how many are, plus {@code already}; 0 when time is over. */
    private static long await(
            Task task,
            @Nullable FileDescription[] files,
            int[] masks,
            int[] ready,
            int already,
            long deadline) {
        int found = scan(files, masks, ready);
        if (found + already > 0 || deadline == Deadlines.NOW) {
            return found + already;
        }
        Task.TaskWaiter waiter = task.waiter();
        waiter.clear();
        for (int i = 0; i < files.length; i++) {
            FileDescription file = files[i];
            if (file != null) {
                file.addWaiter(waiter, masks[i] | POLLERR | POLLHUP);
            }
        }
        try {
            while (true) {
                waiter.clear();
                found = scan(files, masks, ready);
                if (found > 0) {
                    return found;
                }
                int blocked = task.block(deadline);
                if (blocked == -ETIMEDOUT) {
                    return scan(files, masks, ready);
                }
                if (blocked != 0) {
                    return blocked == -ERESTARTSYS ? -ERESTARTNOHAND : blocked;
                }
            }
        } finally {
            for (FileDescription file : files) {
                if (file != null) {
                    file.removeWaiter(waiter);
                }
            }
        }
    }

    private static int scan(@Nullable FileDescription[] files, int[] masks, int[] ready) {
        int found = 0;
        for (int i = 0; i < files.length; i++) {
            FileDescription file = files[i];
            if (file != null) {
                int mask = masks[i] | POLLERR | POLLHUP;
                ready[i] = file.poll(mask) & mask;
                if (ready[i] != 0) {
                    found++;
                }
            }
        }
        return found;
    }

    private static void closeAll(@Nullable FileDescription[] files) {
        for (FileDescription file : files) {
            if (file != null) {
                file.close();
            }
        }
    }

    private static long select(Task task, int limit, long in, long out, long ex, long deadline)
            throws ErrnoException {
        if (limit < 0) {
            return -EINVAL;
        }
        int n = Math.min(limit, task.fds().capacity());
        int words = (n + 63) >>> 6;
        long[] inSet = readSet(task, in, words);
        long[] outSet = readSet(task, out, words);
        long[] exSet = readSet(task, ex, words);
        int count = 0;
        for (int w = 0; w < words; w++) {
            count += Long.bitCount(any(inSet, outSet, exSet, w, n));
        }
        @Nullable FileDescription[] files = new @Nullable FileDescription[count];
        int[] fds = new int[count];
        int[] masks = new int[count];
        int[] ready = new int[count];
        long result;
        try {
            int i = 0;
            for (int w = 0; w < words; w++) {
                for (long bits = any(inSet, outSet, exSet, w, n); bits != 0; bits &= bits - 1) {
                    int bit = Long.numberOfTrailingZeros(bits);
                    long one = 1L << bit;
                    fds[i] = w * 64 + bit;
                    masks[i] =
                            ((inSet[w] & one) != 0 ? IN_SET : 0)
                                    | ((outSet[w] & one) != 0 ? OUT_SET : 0)
                                    | ((exSet[w] & one) != 0 ? EX_SET : 0);
                    FileDescription file = task.fds().getOrNull(fds[i]);
                    if (file == null) {
                        throw errno(EBADF);
                    }
                    files[i++] = file;
                }
            }
            result = awaitSelect(task, files, masks, ready, deadline);
        } finally {
            closeAll(files);
        }
        if (result < 0) {
            return result;
        }
        long[][] found = new long[3][words];
        int bits = 0;
        for (int i = 0; i < count; i++) {
            int w = fds[i] >>> 6;
            long one = 1L << fds[i];
            bits += mark(found[0], inSet, w, one, ready[i] & IN_SET);
            bits += mark(found[1], outSet, w, one, ready[i] & OUT_SET);
            bits += mark(found[2], exSet, w, one, ready[i] & EX_SET);
        }
        writeSet(task, in, found[0]);
        writeSet(task, out, found[1]);
        writeSet(task, ex, found[2]);
        return bits;
    }

    /** As {@link #await}, but error and hang-up count only for those sets that show them. */
    private static long awaitSelect(
            Task task, @Nullable FileDescription[] files, int[] masks, int[] ready, long deadline) {
        int found = scanExact(files, masks, ready);
        if (found > 0 || deadline == Deadlines.NOW) {
            return found;
        }
        Task.TaskWaiter waiter = task.waiter();
        for (int i = 0; i < files.length; i++) {
            FileDescription file = files[i];
            if (file != null) {
                file.addWaiter(waiter, masks[i]);
            }
        }
        try {
            while (true) {
                waiter.clear();
                found = scanExact(files, masks, ready);
                if (found > 0) {
                    return found;
                }
                int blocked = task.block(deadline);
                if (blocked == -ETIMEDOUT) {
                    return scanExact(files, masks, ready);
                }
                if (blocked != 0) {
                    return blocked == -ERESTARTSYS ? -ERESTARTNOHAND : blocked;
                }
            }
        } finally {
            for (FileDescription file : files) {
                if (file != null) {
                    file.removeWaiter(waiter);
                }
            }
        }
    }

    private static int scanExact(@Nullable FileDescription[] files, int[] masks, int[] ready) {
        int found = 0;
        for (int i = 0; i < files.length; i++) {
            FileDescription file = files[i];
            if (file != null) {
                ready[i] = file.poll(masks[i]) & masks[i];
                if (ready[i] != 0) {
                    found++;
                }
            }
        }
        return found;
    }

    private static long any(long[] in, long[] out, long[] ex, int word, int limit) {
        long bits = in[word] | out[word] | ex[word];
        int last = limit - word * 64;
        return last >= 64 ? bits : bits & (1L << last) - 1;
    }

    private static int mark(long[] found, long[] wanted, int word, long one, int events) {
        if (events == 0 || (wanted[word] & one) == 0) {
            return 0;
        }
        found[word] |= one;
        return 1;
    }

    private static long[] readSet(Task task, long address, int words) throws ErrnoException {
        long[] set = new long[words];
        if (address != 0 && words > 0) {
            byte[] bytes = task.mm().copyInBytes(address, words * Long.BYTES);
            for (int i = 0; i < words; i++) {
                set[i] = (long) LONG.get(bytes, i * Long.BYTES);
            }
        }
        return set;
    }

    private static void writeSet(Task task, long address, long[] set) throws ErrnoException {
        if (address != 0 && set.length > 0) {
            byte[] bytes = new byte[set.length * Long.BYTES];
            for (int i = 0; i < set.length; i++) {
                LONG.set(bytes, i * Long.BYTES, set[i]);
            }
            task.mm().copyOutBytes(address, bytes);
        }
    }

    private PollSyscalls() {}
}
