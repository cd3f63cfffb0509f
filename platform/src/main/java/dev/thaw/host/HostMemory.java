package dev.thaw.host;

import static dev.thaw.abi.Sysno.SYS_fallocate;
import static dev.thaw.abi.Sysno.SYS_ftruncate;
import static dev.thaw.abi.Sysno.SYS_memfd_create;
import static dev.thaw.abi.Sysno.SYS_mmap;
import static dev.thaw.abi.Sysno.SYS_munmap;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory of the host: memfds and mappings. Every function returns {@code -errno} on failure. */
public final class HostMemory {
    private static final int MFD_CLOEXEC = 1;
    private static final int MAP_SHARED_NORESERVE = 0x4001;
    private static final int PROT_READ_WRITE = 3;
    private static final int PUNCH_HOLE_KEEP_SIZE = 3;

    static {
        NativeFiles.load();
    }

    private HostMemory() {}

    /** A sparse memfd of {@code size} bytes. */
    public static int memfd(String name, long size) {
        try (Arena arena = Arena.ofConfined()) {
            int fd =
                    (int)
                            RawSyscall.call(
                                    SYS_memfd_create,
                                    arena.allocateFrom(name).address(),
                                    MFD_CLOEXEC,
                                    0,
                                    0,
                                    0,
                                    0);
            if (fd >= 0) {
                long error = RawSyscall.call(SYS_ftruncate, fd, size, 0, 0, 0, 0);
                if (error < 0) {
                    HostFiles.close(fd);
                    return (int) error;
                }
            }
            return fd;
        }
    }

    /** Maps a shared, writable piece of {@code fd}; returns its address. */
    public static long mapShared(int fd, long offset, long length) {
        return RawSyscall.call(
                SYS_mmap, 0, length, PROT_READ_WRITE, MAP_SHARED_NORESERVE, fd, offset);
    }

    /** Unmaps. SAFETY: the caller owns the range and no segment over it is used any more. */
    public static long unmap(long address, long length) {
        return RawSyscall.call(SYS_munmap, address, length, 0, 0, 0, 0);
    }

    /** Gives the memory behind a range of a memfd back; it reads as zeros then. */
    public static long punch(int fd, long offset, long length) {
        return RawSyscall.call(SYS_fallocate, fd, PUNCH_HOLE_KEEP_SIZE, offset, length, 0, 0);
    }

    /**
     * Copies bytes at {@code address} to {@code target}, at most {@code length} and none after a 0; returns how many. SAFETY: the caller keeps {@code length} bytes mapped. A native method because
     * a program's first calls run interpreted, where a segment's copy takes 15 ms to compile.
     */
    public static native int copyString(long address, byte[] target, int at, int length);

    /** A segment over memory at {@code address}. SAFETY: the caller keeps it mapped as long as the segment is used. */
    public static MemorySegment segment(long address, long length) {
        return MemorySegment.ofAddress(address).reinterpret(length);
    }
}
