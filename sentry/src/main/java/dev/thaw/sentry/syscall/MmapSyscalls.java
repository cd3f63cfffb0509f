package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Errno.EOPNOTSUPP;
import static dev.thaw.abi.Errno.EOVERFLOW;
import static dev.thaw.abi.Mman.MADV_COLLAPSE;
import static dev.thaw.abi.Mman.MADV_DONTNEED;
import static dev.thaw.abi.Mman.MADV_FREE;
import static dev.thaw.abi.Mman.MADV_NORMAL;
import static dev.thaw.abi.Mman.MADV_POPULATE_READ;
import static dev.thaw.abi.Mman.MADV_POPULATE_WRITE;
import static dev.thaw.abi.Mman.MADV_REMOVE;
import static dev.thaw.abi.Mman.MAP_ANONYMOUS;
import static dev.thaw.abi.Mman.MAP_DENYWRITE;
import static dev.thaw.abi.Mman.MAP_EXECUTABLE;
import static dev.thaw.abi.Mman.MAP_FIXED;
import static dev.thaw.abi.Mman.MAP_FIXED_NOREPLACE;
import static dev.thaw.abi.Mman.MAP_GROWSDOWN;
import static dev.thaw.abi.Mman.MAP_HUGETLB;
import static dev.thaw.abi.Mman.MAP_LOCKED;
import static dev.thaw.abi.Mman.MAP_NONBLOCK;
import static dev.thaw.abi.Mman.MAP_NORESERVE;
import static dev.thaw.abi.Mman.MAP_POPULATE;
import static dev.thaw.abi.Mman.MAP_PRIVATE;
import static dev.thaw.abi.Mman.MAP_SHARED;
import static dev.thaw.abi.Mman.MAP_SHARED_VALIDATE;
import static dev.thaw.abi.Mman.MAP_STACK;
import static dev.thaw.abi.Mman.MAP_TYPE;
import static dev.thaw.abi.Mman.MCL_CURRENT;
import static dev.thaw.abi.Mman.MCL_FUTURE;
import static dev.thaw.abi.Mman.MCL_ONFAULT;
import static dev.thaw.abi.Mman.MS_ASYNC;
import static dev.thaw.abi.Mman.MS_INVALIDATE;
import static dev.thaw.abi.Mman.MS_SYNC;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_GROWSDOWN;
import static dev.thaw.abi.Mman.PROT_GROWSUP;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_SEM;
import static dev.thaw.abi.Mman.PROT_WRITE;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.vfs.FileDescription;
import org.jspecify.annotations.Nullable;

/** Calls on memory mappings. */
final class MmapSyscalls {
    private static final int PAGE = 4096;
    private static final int PROT_KNOWN = PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM;
    private static final int MAP_KNOWN =
            MAP_TYPE
                    | MAP_ANONYMOUS
                    | MAP_DENYWRITE
                    | MAP_EXECUTABLE
                    | MAP_FIXED
                    | MAP_FIXED_NOREPLACE
                    | MAP_GROWSDOWN
                    | MAP_LOCKED
                    | MAP_NONBLOCK
                    | MAP_NORESERVE
                    | MAP_POPULATE
                    | MAP_STACK;

    /** mmap(2). */
    static long mmap(Task task, SyscallArgs args) throws ErrnoException {
        int prot = args.int32(2) & PROT_KNOWN & ~PROT_SEM;
        int flags = args.int32(3);
        if (args.int64(5) % PAGE != 0) {
            return -EINVAL;
        }
        if ((flags & MAP_ANONYMOUS) != 0) {
            return map(task, args, prot, flags, null);
        }
        try (FileDescription file = task.fds().get(args.int32(4))) {
            return map(task, args, prot, flags, file);
        }
    }

    private static long map(
            Task task, SyscallArgs args, int prot, int flags, @Nullable FileDescription file)
            throws ErrnoException {
        long length = args.size(1);
        long offset = args.int64(5);
        int type = flags & MAP_TYPE;
        if (length == 0) {
            return -EINVAL;
        }
        if (length < 0 || (flags & MAP_HUGETLB) != 0) {
            return -ENOMEM;
        }
        if (file != null && (offset < 0 || offset > Long.MAX_VALUE - length)) {
            return -EOVERFLOW;
        }
        if (type == MAP_SHARED_VALIDATE) {
            if ((flags & ~MAP_KNOWN) != 0) {
                return -EOPNOTSUPP;
            }
            flags = flags & ~MAP_TYPE | MAP_SHARED;
        } else if (type != MAP_SHARED && type != MAP_PRIVATE) {
            return -EINVAL;
        }
        if ((flags & MAP_GROWSDOWN) != 0 && (file != null || type != MAP_PRIVATE)) {
            return -EINVAL;
        }
        MemoryManager mm = task.mm();
        long address = mm.mmap(args.addr(0), length, prot, flags, file, file == null ? 0 : offset);
        if ((flags & (MAP_POPULATE | MAP_LOCKED)) != 0
                && (flags & MAP_NONBLOCK) == 0
                && prot != 0) {
            populate(mm, address, length, (prot & PROT_WRITE) != 0);
        }
        return address;
    }

    /** As far as it goes: mmap(2) does not fail when pages can not be had. */
    private static void populate(MemoryManager mm, long address, long length, boolean write) {
        try {
            mm.advice().advise(address, length, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
        } catch (ErrnoException e) {
            return;
        }
    }

    /** mprotect(2). */
    static long mprotect(Task task, SyscallArgs args) throws ErrnoException {
        long address = args.addr(0);
        long length = args.size(1);
        int prot = args.int32(2);
        int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
        if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || address % PAGE != 0) {
            return -EINVAL;
        }
        if (length == 0) {
            return 0;
        }
        long rounded = length + PAGE - 1 & -PAGE;
        if (rounded <= 0 || address + rounded < address || address < 0) {
            return -ENOMEM;
        }
        if ((prot & ~(PROT_KNOWN | grows)) != 0 || grows == PROT_GROWSUP) {
            return -EINVAL;
        }
        task.mm().mprotect(address, rounded, prot & ~PROT_SEM);
        return 0;
    }

    /** pkey_mprotect(2): there are no keys, so only the key -1 is known. */
    static long pkeyMprotect(Task task, SyscallArgs args) throws ErrnoException {
        return args.int32(3) == -1 ? mprotect(task, args) : -EINVAL;
    }

    /** munmap(2). */
    static long munmap(Task task, SyscallArgs args) throws ErrnoException {
        task.mm().munmap(args.addr(0), args.size(1));
        return 0;
    }

    /** brk(2). */
    static long brk(Task task, SyscallArgs args) {
        return task.mm().brk(args.addr(0));
    }

    /** mremap(2). */
    static long mremap(Task task, SyscallArgs args) throws ErrnoException {
        return task.mm()
                .mremap(args.addr(0), args.size(1), args.size(2), args.int32(3), args.addr(4));
    }

    /** msync(2). */
    static long msync(Task task, SyscallArgs args) throws ErrnoException {
        int flags = args.int32(2);
        if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0
                || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC)) {
            return -EINVAL;
        }
        long length = rangeLength(args.addr(0), args.size(1), -ENOMEM);
        if (length <= 0) {
            return length;
        }
        task.mm().advice().sync(args.addr(0), length, flags);
        return 0;
    }

    /** mincore(2). */
    static long mincore(Task task, SyscallArgs args) throws ErrnoException {
        long length = rangeLength(args.addr(0), args.size(1), -ENOMEM);
        if (length <= 0) {
            return length;
        }
        MemoryManager mm = task.mm();
        long piece = 1L << 30;
        for (long done = 0; done < length; done += piece) {
            byte[] pages =
                    mm.advice().residency(args.addr(0) + done, Math.min(piece, length - done));
            mm.copyOutBytes(args.addr(2) + done / PAGE, pages);
        }
        return 0;
    }

    /** madvise(2). */
    static long madvise(Task task, SyscallArgs args) throws ErrnoException {
        int advice = args.int32(2);
        boolean known =
                (advice >= MADV_NORMAL && advice <= MADV_DONTNEED)
                        || (advice >= MADV_FREE && advice <= MADV_COLLAPSE);
        if (!known || advice == MADV_REMOVE) {
            return -EINVAL;
        }
        long length = rangeLength(args.addr(0), args.size(1), -EINVAL);
        if (length <= 0) {
            return length;
        }
        task.mm().advice().advise(args.addr(0), length, advice);
        return 0;
    }

    /** mlock(2), mlock2(2). */
    static long mlock(Task task, SyscallArgs args) throws ErrnoException {
        return lock(task, args, true);
    }

    static long mlock2(Task task, SyscallArgs args) throws ErrnoException {
        return (args.int32(2) & ~1) != 0 ? -EINVAL : lock(task, args, true);
    }

    /** munlock(2). */
    static long munlock(Task task, SyscallArgs args) throws ErrnoException {
        return lock(task, args, false);
    }

    private static long lock(Task task, SyscallArgs args, boolean on) throws ErrnoException {
        long address = args.addr(0) & -PAGE;
        long length = args.size(1) + (args.addr(0) - address) + PAGE - 1 & -PAGE;
        if (length == 0) {
            return 0;
        }
        if (length < 0 || address < 0 || address + length < 0) {
            return -EINVAL;
        }
        task.mm().advice().lock(address, length, on);
        return 0;
    }

    /** mlockall(2). */
    static long mlockall(Task task, SyscallArgs args) {
        int flags = args.int32(0);
        if (flags == 0
                || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0
                || flags == MCL_ONFAULT) {
            return -EINVAL;
        }
        task.mm().advice().lockAll(flags);
        return 0;
    }

    /** munlockall(2). */
    static long munlockall(Task task, SyscallArgs args) {
        task.mm().advice().lockAll(0);
        return 0;
    }

    /** The page-rounded length of a range that starts at a page; 0 for an empty one, {@code -EINVAL}, or {@code overflow} for one too long. */
    private static long rangeLength(long address, long length, long overflow) {
        if (address % PAGE != 0) {
            return -EINVAL;
        }
        long rounded = length + PAGE - 1 & -PAGE;
        if (length < 0 || rounded < 0 || address < 0 || address + rounded < 0) {
            return overflow;
        }
        return rounded;
    }

    private MmapSyscalls() {}
}
