package dev.thaw.sentry.syscall;

import static dev.thaw.abi.Errno.ENOSYS;
import static dev.thaw.abi.Sysno.*;

/** The x86-64 calls on memory management, in number order. */
final class Amd64Memory {
    static final SyscallTable TABLE =
            new SyscallTable()
                    .full(SYS_mmap, "mmap", MmapSyscalls::mmap)
                    .full(SYS_mprotect, "mprotect", MmapSyscalls::mprotect)
                    .full(SYS_munmap, "munmap", MmapSyscalls::munmap)
                    .full(SYS_brk, "brk", MmapSyscalls::brk)
                    .partial(
                            SYS_mremap,
                            "mremap",
                            MmapSyscalls::mremap,
                            "a range of several mappings is refused")
                    .full(SYS_msync, "msync", MmapSyscalls::msync)
                    .full(SYS_mincore, "mincore", MmapSyscalls::mincore)
                    .partial(
                            SYS_madvise,
                            "madvise",
                            MmapSyscalls::madvise,
                            "no MADV_REMOVE; what only tunes Linux changes nothing")
                    .none(SYS_shmget, "shmget", ENOSYS, "no System V shared memory")
                    .none(SYS_shmat, "shmat", ENOSYS, "no System V shared memory")
                    .none(SYS_shmctl, "shmctl", ENOSYS, "no System V shared memory")
                    .none(SYS_shmdt, "shmdt", ENOSYS, "no System V shared memory")
                    .partial(
                            SYS_mlock,
                            "mlock",
                            MmapSyscalls::mlock,
                            "memory is never swapped by the Sentry; RLIMIT_MEMLOCK is not counted")
                    .full(SYS_munlock, "munlock", MmapSyscalls::munlock)
                    .partial(SYS_mlockall, "mlockall", MmapSyscalls::mlockall, "as mlock")
                    .full(SYS_munlockall, "munlockall", MmapSyscalls::munlockall)
                    .none(SYS_remap_file_pages, "remap_file_pages", ENOSYS, "deprecated")
                    .none(SYS_mbind, "mbind", ENOSYS, "one memory node")
                    .none(SYS_set_mempolicy, "set_mempolicy", ENOSYS, "one memory node")
                    .none(SYS_get_mempolicy, "get_mempolicy", ENOSYS, "one memory node")
                    .partial(SYS_mlock2, "mlock2", MmapSyscalls::mlock2, "as mlock")
                    .partial(
                            SYS_pkey_mprotect,
                            "pkey_mprotect",
                            MmapSyscalls::pkeyMprotect,
                            "no protection keys")
                    .none(SYS_pkey_alloc, "pkey_alloc", ENOSYS, "no protection keys")
                    .none(SYS_pkey_free, "pkey_free", ENOSYS, "no protection keys");

    private Amd64Memory() {}
}
