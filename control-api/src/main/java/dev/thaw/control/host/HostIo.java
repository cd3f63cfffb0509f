package dev.thaw.control.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;

/** What the server needs of the host and Java lacks: pipes whose ends can be given away, and descriptors of processes. */
public final class HostIo {
    static final short POLLIN = 1;
    static final int EINTR = 4;
    static final int EAGAIN = 11;

    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x80000;
    private static final int F_SETFL = 4;
    private static final long SYS_PIDFD_OPEN = 434;

    /** Functions of libc. */
    public interface LibC {
        int pipe2(@Out int[] fds, int flags);

        int open(String path, int flags);

        int close(int fd);

        int fcntl(int fd, int command, long argument);

        long read(int fd, @Out ByteBuffer buffer, long length);

        long write(int fd, @In byte[] data, long length);

        int poll(@In @Out Pointer fds, long count, int timeout);

        long syscall(long number, long first, long second);
    }

    /** Looked up when first used: jnr-ffi takes a quarter of a second to come up. */
    private static final class Library {
        static final LibC LIBC = LibraryLoader.create(LibC.class).load("c");
        static final Runtime RUNTIME = Runtime.getRuntime(LIBC);
    }

    /** A pipe: index 0 is the end to read, which does not block; both close on exec. */
    public static int[] pipe() throws IOException {
        int[] ends = new int[2];
        check("make a pipe", Library.LIBC.pipe2(ends, O_CLOEXEC));
        check("set up a pipe", Library.LIBC.fcntl(ends[0], F_SETFL, O_NONBLOCK));
        return ends;
    }

    /** A descriptor of {@code /dev/null} for reading. */
    public static int nothing() throws IOException {
        return check("open /dev/null", Library.LIBC.open("/dev/null", O_CLOEXEC));
    }

    /** A descriptor for process {@code pid}, readable as soon as it has ended. */
    public static int processDescriptor(int pid) throws IOException {
        return check("watch process " + pid, (int) Library.LIBC.syscall(SYS_PIDFD_OPEN, pid, 0));
    }

    /** Closes a descriptor; one below 0 is ignored. */
    public static void close(int fd) {
        if (fd >= 0) {
            Library.LIBC.close(fd);
        }
    }

    static LibC libc() {
        return Library.LIBC;
    }

    static Runtime runtime() {
        return Library.RUNTIME;
    }

    static int errno() {
        return Library.RUNTIME.getLastError();
    }

    private static int check(String what, int result) throws IOException {
        if (result < 0) {
            throw new IOException("can not " + what + ": errno " + errno());
        }
        return result;
    }

    private HostIo() {}
}
