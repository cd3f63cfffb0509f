package dev.thaw.sentry.mm;

import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENAMETOOLONG;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.ErrnoException.errno;
import static dev.thaw.sentry.mm.PageTable.OFFSET_MASK;
import static dev.thaw.sentry.mm.PageTable.PAGE;
import static dev.thaw.sentry.mm.PageTable.WRITABLE;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Copies between the Sentry and guest memory. Each step translates under the address space's lock and copies while it is held, so that no page is given back meanwhile; a page that is not
 * there is faulted in without the lock.
 */
final class GuestCopy {
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

    /** At most so much is copied under one holding of the lock. */
    private static final long STEP = 256 << 10;

    private final MemoryManager mm;
    private final MemoryFile memory;
    private final MemorySegment view;

    GuestCopy(MemoryManager mm) {
        this.mm = mm;
        this.memory = mm.memory;
        this.view = mm.memory.view();
    }

    /** The memory-file offset of the byte at {@code address}, or -1 when a fault must be resolved first (or can not be). */
    private long locateLocked(long address, int access) {
        Vma vma = mm.vmas.find(address);
        if (vma == null || !vma.permits(access)) {
            return -1;
        }
        long entry = mm.table.get(address);
        if (entry == 0 || (access == PROT_WRITE && (entry & WRITABLE) == 0)) {
            return -1;
        }
        long offset = (entry & OFFSET_MASK) + (address & PAGE - 1);
        memory.load(offset & -PAGE, PAGE);
        return offset;
    }

    /** How many bytes from {@code address} on lie consecutively in the memory file and may be touched too; at most {@code length}. */
    private long consecutiveLocked(long address, long length, int access) {
        long inPage = PAGE - (address & PAGE - 1);
        if (length <= inPage) {
            return length;
        }
        Vma vma = mm.vmas.require(address);
        long end = Math.min(vma.end, address + Math.min(length, STEP));
        long run =
                mm.table.runEnd(
                        address & -PAGE,
                        Mappings.roundUp(end),
                        access == PROT_WRITE ? WRITABLE : 0);
        long count = Math.min(end, run) - address;
        memory.load(
                mm.table.get(address) & OFFSET_MASK,
                Mappings.roundUp(address + count) - (address & -PAGE));
        return count;
    }

    /** Reads some bytes into {@code target}; returns how many, 0 on a fault. */
    long read(long address, MemorySegment target, long offset, long length) {
        while (true) {
            mm.mu.lock();
            try {
                long from = locateLocked(address, PROT_READ);
                if (from >= 0) {
                    long count = consecutiveLocked(address, length, PROT_READ);
                    MemorySegment.copy(view, from, target, offset, count);
                    return count;
                }
            } finally {
                mm.mu.unlock();
            }
            if (mm.faults.resolve(address, PROT_READ, false) != FaultResult.RESOLVED) {
                return 0;
            }
        }
    }

    /** Writes some bytes from {@code source} (null: zeros); returns how many, 0 on a fault. */
    long write(long address, @Nullable MemorySegment source, long offset, long length) {
        while (true) {
            mm.mu.lock();
            try {
                long to = locateLocked(address, PROT_WRITE);
                if (to >= 0) {
                    long count = consecutiveLocked(address, length, PROT_WRITE);
                    memory.beforeWrite(to, count);
                    if (source == null) {
                        view.asSlice(to, count).fill((byte) 0);
                    } else {
                        MemorySegment.copy(source, offset, view, to, count);
                    }
                    return count;
                }
            } finally {
                mm.mu.unlock();
            }
            if (mm.faults.resolve(address, PROT_WRITE, false) != FaultResult.RESOLVED) {
                return 0;
            }
        }
    }

    void readAll(long address, MemorySegment target, long offset, long length)
            throws ErrnoException {
        for (long done = 0; done < length; ) {
            long count = read(address + done, target, offset + done, length - done);
            if (count == 0) {
                throw errno(EFAULT);
            }
            done += count;
        }
    }

    void writeAll(long address, @Nullable MemorySegment source, long offset, long length)
            throws ErrnoException {
        for (long done = 0; done < length; ) {
            long count = write(address + done, source, offset + done, length - done);
            if (count == 0) {
                throw errno(EFAULT);
            }
            done += count;
        }
    }

    /** Kinds of {@link #word}. */
    static final int GET_INT = 0;

    static final int GET_LONG = 1;
    static final int SET_INT = 2;
    static final int SET_LONG = 3;
    static final int CAS_INT = 4;

    /** One atomic operation on an aligned word; returns the value found. */
    long word(int kind, long address, long expected, long value) throws ErrnoException {
        int access = kind <= GET_LONG ? PROT_READ : PROT_WRITE;
        while (true) {
            mm.mu.lock();
            try {
                long at = locateLocked(address, access);
                if (at >= 0) {
                    if (access == PROT_WRITE) {
                        memory.beforeWrite(at, 1); // aligned, so in one page
                    }
                    switch (kind) {
                        case GET_INT:
                            return (int) INT.getVolatile(view, at);
                        case GET_LONG:
                            return (long) LONG.getVolatile(view, at);
                        case SET_INT:
                            INT.setVolatile(view, at, (int) value);
                            return 0;
                        case SET_LONG:
                            LONG.setVolatile(view, at, value);
                            return 0;
                        default:
                            return (int)
                                    INT.compareAndExchange(view, at, (int) expected, (int) value);
                    }
                }
            } finally {
                mm.mu.unlock();
            }
            if (mm.faults.resolve(address, access, false) != FaultResult.RESOLVED) {
                throw errno(EFAULT);
            }
        }
    }

    /** A word that may lie across two pages or be unaligned, byte by byte. */
    long unalignedRead(long address, int size) throws ErrnoException {
        byte[] bytes = new byte[Long.BYTES];
        readAll(address, MemorySegment.ofArray(bytes), 0, size);
        return MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }

    void unalignedWrite(long address, long value, int size) throws ErrnoException {
        byte[] bytes = new byte[Long.BYTES];
        MemorySegment.ofArray(bytes).set(ValueLayout.JAVA_LONG_UNALIGNED, 0, value);
        writeAll(address, MemorySegment.ofArray(bytes), 0, size);
    }

    String string(long address, int max) throws ErrnoException {
        byte[] bytes = new byte[(int) Math.min(max + 1L, 256)];
        int length = 0;
        while (true) {
            int count = stringInPage(address + length, bytes, length);
            if (count == 0) {
                throw errno(EFAULT);
            }
            length += count;
            if (bytes[length - 1] == 0) {
                return new String(bytes, 0, length - 1, StandardCharsets.ISO_8859_1);
            }
            if (length > max) {
                throw errno(ENAMETOOLONG);
            }
            if (length == bytes.length) {
                bytes = Arrays.copyOf(bytes, (int) Math.min(max + 1L, 4L * length));
            }
        }
    }

    /** Reads to the first 0, the end of the page or of {@code target}; returns how many bytes, 0 on a fault. */
    private int stringInPage(long address, byte[] target, int at) throws ErrnoException {
        int wanted = (int) Math.min(target.length - at, PAGE - (address & PAGE - 1));
        while (true) {
            mm.mu.lock();
            try {
                long from = locateLocked(address, PROT_READ);
                if (from >= 0) {
                    return memory.copyString(from, target, at, wanted);
                }
            } finally {
                mm.mu.unlock();
            }
            if (mm.faults.resolve(address, PROT_READ, false) != FaultResult.RESOLVED) {
                return 0;
            }
        }
    }

    /** Bytes of the guest's part from {@code address} on must hold the range (Linux: {@code access_ok}). */
    void checkRange(long address, long length) throws ErrnoException {
        if (length < 0) {
            throw errno(EINVAL);
        }
        if (!mm.mappings.inRange(address, length)) {
            throw errno(EFAULT);
        }
    }
}
