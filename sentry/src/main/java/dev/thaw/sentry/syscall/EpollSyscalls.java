package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ERESTARTNOHAND;
import static dev.thaw.abi.Errno.ERESTARTSYS;
import static dev.thaw.abi.Errno.ETIMEDOUT;
import static dev.thaw.abi.Poll.EPOLL_CLOEXEC;
import static dev.thaw.abi.Poll.EPOLL_CTL_ADD;
import static dev.thaw.abi.Poll.EPOLL_CTL_DEL;
import static dev.thaw.abi.Poll.EPOLL_CTL_MOD;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.event.EpollFile;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.FileDescription;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** epoll(7) (Linux: {@code fs/eventpoll.c}). On x86-64 {@code struct epoll_event} is packed: 4 bytes of events, 8 of data. */
final class EpollSyscalls {
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int EVENT_SIZE = 12;
    private static final int MAX_EVENTS = Integer.MAX_VALUE / EVENT_SIZE;

    /** As many events as one call reports at most; a program that asks for more gets the rest with its next call. */
    private static final int BATCH = 4096;

    /** epoll_create(2). */
    static long epollCreate(Task task, SyscallArgs args) throws ErrnoException {
        return args.int32(0) <= 0 ? -EINVAL : NewFiles.install(task, new EpollFile(), false);
    }

    /** epoll_create1(2). */
    static long epollCreate1(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(0);
        if ((flags & ~EPOLL_CLOEXEC) != 0) {
            return -EINVAL;
        }
        return NewFiles.install(task, new EpollFile(), flags != 0);
    }

    /** epoll_ctl(2). */
    static long epollCtl(Task task, SyscallArgs args) throws ErrnoException {
        int operation = args.int32(1);
        int fd = args.int32(2);
        int events = 0;
        long data = 0;
        if (operation != EPOLL_CTL_DEL) {
            byte[] event = task.mm().copyInBytes(args.addr(3), EVENT_SIZE);
            events = (int) INT.get(event, 0);
            data = (long) LONG.get(event, 4);
        }
        try (FileDescription file = task.fds().get(args.int32(0));
                FileDescription watched = task.fds().get(fd)) {
            if (!(file instanceof EpollFile epoll)) {
                return watched.pollable() ? -EINVAL : -dev.thaw.abi.Errno.EPERM;
            }
            switch (operation) {
                case EPOLL_CTL_ADD -> epoll.add(fd, watched, events, data);
                case EPOLL_CTL_MOD -> epoll.modify(fd, watched, events, data);
                case EPOLL_CTL_DEL -> epoll.delete(fd, watched);
                default -> throw errno(EINVAL);
            }
            return 0;
        }
    }

    /** epoll_wait(2). */
    static long epollWait(Task task, SyscallArgs args) throws ErrnoException {
        return await(task, args, Deadlines.ofMillis(task, args.int32(3)));
    }

    /** epoll_pwait(2). */
    static long epollPwait(Task task, SyscallArgs args) throws ErrnoException {
        SignalMasks.swap(task, args.addr(4), args.size(5));
        return await(task, args, Deadlines.ofMillis(task, args.int32(3)));
    }

    /** epoll_pwait2(2): the timeout is a timespec. */
    static long epollPwait2(Task task, SyscallArgs args) throws ErrnoException {
        long timeout = Deadlines.readTimespec(task, args.addr(3));
        SignalMasks.swap(task, args.addr(4), args.size(5));
        return await(task, args, Deadlines.of(task, timeout));
    }

    private static long await(Task task, SyscallArgs args, long deadline) throws ErrnoException {
        int max = args.int32(2);
        if (max <= 0 || max > MAX_EVENTS) {
            return -EINVAL;
        }
        try (FileDescription file = task.fds().get(args.int32(0))) {
            if (!(file instanceof EpollFile epoll)) {
                return -EINVAL;
            }
            return await(task, epoll, args.addr(1), Math.min(max, BATCH), deadline);
        }
    }

    private static long await(Task task, EpollFile epoll, long address, int max, long deadline)
            throws ErrnoException {
        Events events = new Events();
        if (epoll.collect(max, events) > 0 || deadline == Deadlines.NOW) {
            return events.copyOut(task, address);
        }
        Task.TaskWaiter waiter = task.waiter();
        epoll.queue().add(waiter, POLLIN);
        try {
            while (true) {
                waiter.clear();
                if (epoll.collect(max, events) > 0) {
                    return events.copyOut(task, address);
                }
                int blocked = task.block(deadline);
                if (blocked == -ETIMEDOUT) {
                    epoll.collect(max, events);
                    return events.copyOut(task, address);
                }
                if (blocked != 0) {
                    return blocked == -ERESTARTSYS ? -ERESTARTNOHAND : blocked;
                }
            }
        } finally {
            epoll.queue().remove(waiter);
        }
    }

    /** The array of {@code struct epoll_event} that a wait fills. */
    private static final class Events implements EpollFile.Sink {
        private static final byte[] NONE = {};
        private byte[] bytes = NONE;
        private int length;

        @Override
        public void accept(int events, long data) {
            if (length == bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.max(8 * EVENT_SIZE, 2 * length));
            }
            INT.set(bytes, length, events);
            LONG.set(bytes, length + 4, data);
            length += EVENT_SIZE;
        }

        long copyOut(Task task, long address) throws ErrnoException {
            if (length > 0) {
                task.mm()
                        .copyOutBytes(
                                address,
                                length == bytes.length ? bytes : Arrays.copyOf(bytes, length));
            }
            return length / EVENT_SIZE;
        }
    }

    private EpollSyscalls() {}
}
