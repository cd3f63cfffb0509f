package dev.thaw.host;

import static dev.thaw.abi.Sysno.SYS_epoll_create1;
import static dev.thaw.abi.Sysno.SYS_epoll_ctl;
import static dev.thaw.abi.Sysno.SYS_epoll_pwait;
import static dev.thaw.abi.Sysno.SYS_poll;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/** Readiness of host descriptors: {@code poll(2)} of one, {@code epoll(7)} of many. */
public final class HostPoll {
    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EVENT_SIZE = 12; // packed on x86-64: u32 events, u64 data

    /** Which of {@code events} hold for {@code fd} now (poll(2) without waiting); {@code -errno} on failure. */
    public static int ready(int fd, int events) {
        MemorySegment pollfd = HostScratch.structs();
        pollfd.set(JAVA_INT, 0, fd);
        pollfd.set(JAVA_SHORT, 4, (short) events);
        pollfd.set(JAVA_SHORT, 6, (short) 0);
        long count = RawSyscall.call(SYS_poll, pollfd.address(), 1, 0, 0, 0, 0);
        return count <= 0 ? (int) count : pollfd.get(JAVA_SHORT, 6) & 0xffff;
    }

    /** A new epoll descriptor, close-on-exec. */
    public static int create() {
        return (int) RawSyscall.call(SYS_epoll_create1, EPOLL_CLOEXEC, 0, 0, 0, 0, 0);
    }

    /** epoll_ctl(2); the event's data is {@code fd}. */
    public static int control(int epoll, int operation, int fd, int events) {
        MemorySegment event = HostScratch.structs();
        event.set(JAVA_INT_UNALIGNED, 0, events);
        event.set(JAVA_LONG_UNALIGNED, 4, fd);
        return (int) RawSyscall.call(SYS_epoll_ctl, epoll, operation, fd, event.address(), 0, 0);
    }

    /** epoll_wait(2) for as many events as {@code fds} has room for; -1 waits without end. */
    public static int await(int epoll, int[] fds, int[] events, int timeoutMillis) {
        MemorySegment buffer = HostScratch.structs();
        int most = (int) Math.min(fds.length, buffer.byteSize() / EVENT_SIZE);
        int count =
                (int)
                        RawSyscall.call(
                                SYS_epoll_pwait,
                                epoll,
                                buffer.address(),
                                most,
                                timeoutMillis,
                                0,
                                0);
        for (int i = 0; i < count; i++) {
            events[i] = buffer.get(JAVA_INT_UNALIGNED, (long) i * EVENT_SIZE);
            fds[i] = (int) buffer.get(JAVA_LONG_UNALIGNED, (long) i * EVENT_SIZE + 4);
        }
        return count;
    }

    private HostPoll() {}
}
