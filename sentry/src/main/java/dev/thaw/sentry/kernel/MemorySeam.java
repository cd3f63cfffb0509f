package dev.thaw.sentry.kernel;

import dev.thaw.platform.GuestThread;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.signal.SignalInfo;
import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.FsContext;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where tasks meet memory management, program loading and descriptor tables. */
final class MemorySeam {
    /** Resolves a fault; null when the guest may go on, else the signal it gets. */
    static @Nullable SignalInfo handleFault(Task task, GuestThread guest, int signal, int code, long address, int access) {
        return SignalInfo.fault(signal, code, address);
    }

    /** A guest thread in the task's address space, or null when the host refuses. */
    static @Nullable GuestThread newGuestThread(Task task) {
        throw new UnsupportedOperationException();
    }

    /** Another user of the same memory (CLONE_VM). */
    static MemoryManager share(MemoryManager mm) {
        return mm;
    }

    /** A copy for a child, pages shared until written. */
    static MemoryManager fork(MemoryManager mm) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    /** One user less; the last one gives the memory back. */
    static void release(MemoryManager mm) {}

    /** Whether others use the memory too. */
    static boolean isShared(MemoryManager mm) {
        return true;
    }

    /** What execve needs of the loader. */
    record Program(MemoryManager mm, long entry, long stackPointer, String executable, int setUid, int setGid) {}

    static Program load(Task task, String path, int dirFd, int flags, List<String> argv, List<String> env) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    /** What a futex word belongs to: the address space, or what is mapped shared there. */
    static Object futexSpace(MemoryManager mm, long address, boolean shared) throws ErrnoException {
        return mm;
    }

    static long futexOffset(MemoryManager mm, long address, Object space) {
        return address;
    }

    static FdTable share(FdTable fds) {
        return fds;
    }

    static FdTable fork(FdTable fds) {
        return fds;
    }

    static FsContext fork(FsContext fs) {
        return fs;
    }

    static void release(FdTable fds) {}

    static boolean isShared(FdTable fds) {
        return false;
    }

    static void closeOnExec(FdTable fds) {}

    static FsContext fsContext(ProcessSpec spec) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    static String searchPath(Task task, ProcessSpec spec) throws ErrnoException {
        return spec.argv().get(0);
    }

    static long residentBytes(ThreadGroup group) {
        return 0;
    }

    private MemorySeam() {}
}
