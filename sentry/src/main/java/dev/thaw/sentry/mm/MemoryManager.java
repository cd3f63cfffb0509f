package dev.thaw.sentry.mm;

import dev.thaw.sentry.ErrnoException;
import java.lang.foreign.MemorySegment;

/** A guest address space (Linux: {@code struct mm_struct}): its VMAs, its page table, and access to its bytes. */
public final class MemoryManager {
    /** Copies guest memory into the Sentry; throws EFAULT unless all of it could be read. */
    public void copyIn(long address, MemorySegment target, long offset, long length) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    /** Copies to guest memory; throws EFAULT unless all of it could be written. */
    public void copyOut(long address, MemorySegment source, long offset, long length) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    public byte[] copyInBytes(long address, int length) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    public void copyOutBytes(long address, byte[] bytes) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    public int readInt(long address) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    public long readLong(long address) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    public void writeInt(long address, int value) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    public void writeLong(long address, long value) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    /** Reads a NUL-terminated string of at most {@code max} bytes without the NUL; ENAMETOOLONG when longer. Bytes are kept as ISO-8859-1 characters, so any file name survives. */
    public String copyInString(long address, int max) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    /** Compares and swaps an int of guest memory atomically with the guest; returns the value found. */
    public int compareAndSwapInt(long address, int expected, int value) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    /** A cursor over guest memory. */
    public IoBuffer buffer(long address, long length) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    /** A cursor over the ranges of a guest's {@code struct iovec[count]}; EINVAL for a bad count or length. */
    public IoBuffer iovec(long address, int count) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    /** Pages of {@code file} in {@code [offset, offset + length)} are gone or changed: forget their translations. */
    public void invalidate(Mappable file, long offset, long length) {
        throw new UnsupportedOperationException();
    }
}
