package dev.thaw.sentry.mm;

import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Mman.MAP_FIXED;
import static dev.thaw.abi.Mman.MAP_GROWSDOWN;
import static dev.thaw.abi.Mman.MAP_SHARED;
import static dev.thaw.abi.Mman.PROT_EXEC;
import static dev.thaw.abi.Mman.PROT_GROWSDOWN;
import static dev.thaw.abi.Mman.PROT_READ;
import static dev.thaw.abi.Mman.PROT_WRITE;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.platform.AddressSpace;
import dev.thaw.platform.GuestThread;
import dev.thaw.platform.Platform;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.state.SaveContext;
import dev.thaw.state.Saveable;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A guest address space (Linux: {@code struct mm_struct}): its VMAs, its page table, and access to its bytes. Counted: CLONE_VM shares it, and who looks at another's (procfs) holds it meanwhile;
 * the last {@link #close} gives everything back.
 *
 * <p>All fields that are not final, and what {@link #table}, {@link #vmas} and {@link #dropped} hold, are guarded by {@link #mu}, here and in the components that work on them (no
 * {@code @GuardedBy}: the checker can not see that a component's {@code mm.mu} is this lock). It is nearly innermost (see {@link LockClass#MM}): files are asked for pages without it, and a file that is dropped is
 * closed after it.
 */
public final class MemoryManager implements Saveable, AutoCloseable {
    static final long MAX_RW_COUNT = 0x7ffff000L;
    private static final int MAX_IOVECS = 1024;
    private static final long WITHDRAWAL_PIECE = 128L << 20;

    final KernelLock mu = new KernelLock(LockClass.MM);
    final Platform platform;
    final MemoryFile memory;
    final long maxAddress;
    final HostSpace host;
    final PageTable table = new PageTable();
    final VmaList vmas = new VmaList();
    final Mappings mappings;
    final Remaps remaps;
    final Faults faults;
    final GuestCopy copy;
    final WriteGuard guard;
    private final AtomicInteger users = new AtomicInteger(1);

    /** Changes with every change that makes pages fetched without the lock stale. */
    long sequence;

    /** Files whose VMAs went; closed by {@link #unlock} once the lock is free. */
    final ArrayList<AutoCloseable> dropped = new ArrayList<>(4);

    long mmapBase;

    long brkStart;

    long brk;

    long stackLimit = 8L << 20;

    long addressSpaceLimit = Long.MAX_VALUE;

    long dataLimit = Long.MAX_VALUE;

    /** MAP_LOCKED after mlockall(MCL_FUTURE). */
    int defaultLocked;

    /** What exec laid out, for procfs. */
    private volatile ExecLayout layout = ExecLayout.NONE;

    /** An empty address space. */
    public MemoryManager(Platform platform) {
        this.platform = platform;
        this.memory = platform.memory();
        this.maxAddress = Math.min(platform.maxAddress() & -PageTable.PAGE, 0x7ffffffff000L);
        this.host = new HostSpace(platform, new TextPatcher(this));
        this.mmapBase = maxAddress;
        this.mappings = new Mappings(this);
        this.remaps = new Remaps(this);
        this.faults = new Faults(this);
        this.copy = new GuestCopy(this);
        this.guard = new WriteGuard(this);
    }

    // ---- life

    /** Adds a user (CLONE_VM, procfs). Each calls {@link #close}. */
    public MemoryManager acquire() {
        users.incrementAndGet();
        return this;
    }

    /** No user yet: a restore counts the tasks again. */
    void forgetUsers() {
        users.set(0);
    }

    /** Whether more than one user has it. */
    public boolean isShared() {
        return users.get() > 1;
    }

    /** Drops a user; the last one gives back the pages and ends the platform's address space. */
    @Override
    public void close() {
        if (users.decrementAndGet() != 0) {
            return;
        }
        host.close();
        mu.lock();
        try {
            mappings.unmapLocked(0, maxAddress);
            dropped.addAll(layout.files());
            layout = ExecLayout.NONE;
        } finally {
            unlock();
        }
    }

    /** The platform's address space, made at the first call. */
    public AddressSpace addressSpace() throws PlatformException {
        return host.get();
    }

    /** The calling Java thread is the task's of {@code thread}, a guest thread of this address space: host mappings are changed through it. Cheap; {@link #handleFault} does it too. */
    public void attach(GuestThread thread) {
        host.attach(thread);
    }

    /** The calling Java thread's guest thread is about to be closed. */
    public void detach() {
        host.detach();
    }

    /** A copy of this address space, pages shared until one side writes (fork(2)). */
    public MemoryManager fork() {
        MemoryManager child = new MemoryManager(platform);
        mu.lock();
        try {
            child.mu.lockNested("a child is not known to anybody yet");
            try {
                Forks.copyLocked(this, child);
                child.layout = layout.retain();
            } finally {
                child.mu.unlock();
            }
        } finally {
            unlock();
        }
        return child;
    }

    /** Unlocks, then closes the files that were dropped meanwhile: closing may take any lock. */
    void unlock() {
        if (dropped.isEmpty()) {
            mu.unlock();
            return;
        }
        AutoCloseable[] files = dropped.toArray(AutoCloseable[]::new);
        dropped.clear();
        mu.unlock();
        for (AutoCloseable file : files) {
            ((FileDescription) file).close();
        }
    }

    /** A guest thread faulted: makes it go on (0), or says which signal it gets ({@link FaultResult}). */
    public int handleFault(GuestThread thread, long address, int access) {
        host.attach(thread);
        return faults.resolve(address, access == 0 ? PROT_READ : access, true);
    }

    /** Ahead of {@link #withdrawWrites}, while the guest runs: the same, in pieces, so that the guest waits for none for long. What it writes meanwhile is left for the pause. */
    public void prepareWithdrawal() {
        for (long at = 0; at < maxAddress; ) {
            mu.lock();
            try {
                at = guard.withdrawLocked(at, WITHDRAWAL_PIECE);
            } finally {
                mu.unlock();
            }
        }
    }

    /** For a snapshot: from now on the guest writes no page without {@link MemoryFile#beforeWrite}. */
    public void withdrawWrites() {
        mu.lock();
        try {
            guard.withdrawLocked();
        } finally {
            mu.unlock();
        }
    }

    // ---- mmap and friends

    /**
     * mmap(2) of {@code file} (null: anonymous memory; not consumed), or of anonymous shared memory. {@code length} need not be rounded; flags are those of mmap(2), checked by the caller.
     */
    public long mmap(
            long hint,
            long length,
            int prot,
            int flags,
            @Nullable FileDescription file,
            long offset)
            throws ErrnoException {
        Mappable mappable = file == null ? null : file.mappable();
        if (mappable instanceof ZeroMappable) {
            mappable = null;
            file = null;
        }
        int maxProt = file == null ? Mappings.PROT_ALL : Remaps.maxProt(file, prot, flags);
        if (mappable == null && (flags & MAP_SHARED) != 0) {
            mappable = new SharedMemory(memory, Mappings.roundUp(length));
            offset = 0;
        }
        mu.lock();
        try {
            return mappings.mapLocked(
                    hint, length, prot, maxProt, flags, mappable, offset, file, "");
        } finally {
            unlock();
        }
    }

    /** Maps pages of the Sentry's own (vDSO) under {@code name}, at {@code address} or, for 0, anywhere; the guest can neither write nor merge them. */
    public long mapSpecial(
            long address, long length, int prot, Mappable mappable, long offset, String name)
            throws ErrnoException {
        int flags = MAP_SHARED | Vma.SPECIAL | (address == 0 ? 0 : MAP_FIXED);
        mu.lock();
        try {
            return mappings.mapLocked(
                    address,
                    length,
                    prot,
                    PROT_READ | PROT_EXEC,
                    flags,
                    mappable,
                    offset,
                    null,
                    name);
        } finally {
            unlock();
        }
    }

    /** munmap(2). */
    public void munmap(long address, long length) throws ErrnoException {
        long size = Mappings.roundUp(length);
        if (address % PageTable.PAGE != 0 || size <= 0 || !mappings.inRange(address, size)) {
            throw errno(EINVAL);
        }
        mu.lock();
        try {
            remaps.checkSplitLocked(address, size);
            mappings.unmapLocked(address, size);
        } finally {
            unlock();
        }
    }

    /** mprotect(2). */
    public void mprotect(long address, long length, int prot) throws ErrnoException {
        mu.lock();
        try {
            long start =
                    (prot & PROT_GROWSDOWN) != 0 ? mappings.stackStartLocked(address) : address;
            mappings.protectLocked(
                    start, address + Mappings.roundUp(length) - start, prot & Mappings.PROT_ALL);
        } finally {
            unlock();
        }
    }

    /** brk(2): the break after the call. */
    public long brk(long address) {
        mu.lock();
        try {
            return mappings.brkLocked(address);
        } finally {
            unlock();
        }
    }

    /** mremap(2). */
    public long mremap(long oldAddress, long oldLength, long newLength, int flags, long newAddress)
            throws ErrnoException {
        mu.lock();
        try {
            return remaps.remapLocked(oldAddress, oldLength, newLength, flags, newAddress);
        } finally {
            unlock();
        }
    }

    /** Whether all of the range is mapped. */
    public boolean isMapped(long address, long length) {
        mu.lock();
        try {
            return mappings.inRange(address, length)
                    && mappings.isCoveredLocked(address, address + length);
        } finally {
            mu.unlock();
        }
    }

    /** Soft resource limits that memory calls obey; {@code -1} is none. */
    public void setLimits(long stack, long data, long addressSpace) {
        mu.lock();
        try {
            stackLimit = stack < 0 ? maxAddress : stack;
            dataLimit = data < 0 ? Long.MAX_VALUE : data;
            addressSpaceLimit = addressSpace < 0 ? Long.MAX_VALUE : addressSpace;
        } finally {
            mu.unlock();
        }
    }

    /** For exec: where mappings go, and where the heap begins. */
    public void setLayout(long newMmapBase, long heapStart) {
        mu.lock();
        try {
            mmapBase = newMmapBase;
            brkStart = heapStart;
            brk = heapStart;
        } finally {
            mu.unlock();
        }
    }

    /** What exec put where: arguments, environment, auxiliary vector, the program's file. The file's reference is taken over. */
    public void setExecLayout(ExecLayout newLayout) {
        layout = newLayout;
    }

    public ExecLayout execLayout() {
        return layout;
    }

    long dataBytesLocked() {
        long bytes = 0;
        for (int i = 0; i < vmas.size(); i++) {
            Vma vma = vmas.get(i);
            bytes +=
                    (vma.prot & PROT_WRITE) != 0 && (vma.flags & (MAP_SHARED | MAP_GROWSDOWN)) == 0
                            ? vma.length()
                            : 0;
        }
        return bytes;
    }

    // ---- access

    /** Copies guest memory into the Sentry; throws EFAULT unless all of it could be read. */
    public void copyIn(long address, MemorySegment target, long offset, long length)
            throws ErrnoException {
        copy.readAll(address, target, offset, length);
    }

    /** Copies to guest memory; throws EFAULT unless all of it could be written. */
    public void copyOut(long address, MemorySegment source, long offset, long length)
            throws ErrnoException {
        copy.writeAll(address, source, offset, length);
    }

    public byte[] copyInBytes(long address, int length) throws ErrnoException {
        byte[] bytes = new byte[length];
        copy.readAll(address, MemorySegment.ofArray(bytes), 0, length);
        return bytes;
    }

    public void copyOutBytes(long address, byte[] bytes) throws ErrnoException {
        copy.writeAll(address, MemorySegment.ofArray(bytes), 0, bytes.length);
    }

    /** Fills guest memory with zero bytes. */
    public void zeroOut(long address, long length) throws ErrnoException {
        copy.writeAll(address, null, 0, length);
    }

    public int readInt(long address) throws ErrnoException {
        return (int)
                ((address & 3) == 0
                        ? copy.word(GuestCopy.GET_INT, address, 0, 0)
                        : copy.unalignedRead(address, 4));
    }

    public long readLong(long address) throws ErrnoException {
        return (address & 7) == 0
                ? copy.word(GuestCopy.GET_LONG, address, 0, 0)
                : copy.unalignedRead(address, 8);
    }

    public void writeInt(long address, int value) throws ErrnoException {
        if ((address & 3) == 0) {
            copy.word(GuestCopy.SET_INT, address, 0, value);
        } else {
            copy.unalignedWrite(address, value, 4);
        }
    }

    public void writeLong(long address, long value) throws ErrnoException {
        if ((address & 7) == 0) {
            copy.word(GuestCopy.SET_LONG, address, 0, value);
        } else {
            copy.unalignedWrite(address, value, 8);
        }
    }

    /** Reads a NUL-terminated string of at most {@code max} bytes without the NUL; ENAMETOOLONG when longer. Bytes are kept as ISO-8859-1 characters, so any file name survives. */
    public String copyInString(long address, int max) throws ErrnoException {
        return copy.string(address, max);
    }

    /** Compares and swaps an int of guest memory atomically with the guest; returns the value found. EINVAL unless aligned. */
    public int compareAndSwapInt(long address, int expected, int value) throws ErrnoException {
        if ((address & 3) != 0) {
            throw errno(EINVAL);
        }
        return (int) copy.word(GuestCopy.CAS_INT, address, expected, value);
    }

    /** The identity of the futex word at {@code address} for a call without FUTEX_PRIVATE_FLAG. */
    public FutexKey futexKey(long address) throws ErrnoException {
        while (true) {
            mu.lock();
            try {
                Vma vma = vmas.find(address);
                if (vma == null || !vma.permits(PROT_READ)) {
                    throw errno(EFAULT);
                }
                if (!vma.isShared()) {
                    return new FutexKey(this, address);
                }
                long entry = table.get(address);
                if (entry != 0) {
                    return new FutexKey(
                            null, (entry & PageTable.OFFSET_MASK) + (address & PageTable.PAGE - 1));
                }
            } finally {
                mu.unlock();
            }
            if (faults.resolve(address, PROT_READ, false) != FaultResult.RESOLVED) {
                throw errno(EFAULT);
            }
        }
    }

    /** A cursor over guest memory; EINVAL for a negative length, EFAULT past the guest's part. At most 0x7ffff000 bytes. */
    public IoBuffer buffer(long address, long length) throws ErrnoException {
        copy.checkRange(address, length);
        long count = Math.min(length, MAX_RW_COUNT);
        return new GuestIoBuffer(copy, new long[] {address, count}, count);
    }

    /** A cursor over the ranges of a guest's {@code struct iovec[count]}; EINVAL for a bad count or length. */
    public IoBuffer iovec(long address, int count) throws ErrnoException {
        if (count < 0 || count > MAX_IOVECS) {
            throw errno(EINVAL);
        }
        long[] ranges = new long[2 * count];
        copy.readAll(address, MemorySegment.ofArray(ranges), 0, 16L * count);
        long total = 0;
        for (int i = 0; i < ranges.length; i += 2) {
            copy.checkRange(ranges[i], ranges[i + 1]);
            ranges[i + 1] = Math.min(ranges[i + 1], MAX_RW_COUNT - total);
            total += ranges[i + 1];
        }
        return new GuestIoBuffer(copy, ranges, total);
    }

    // ---- for the rest of the Sentry

    /** Pages of {@code file} in {@code [offset, offset + length)} are gone or changed: forget their translations. Call it without locks that {@code addMapping} takes. */
    public void invalidate(Mappable file, long offset, long length) {
        mu.lock();
        try {
            sequence++;
            for (int i = 0; i < vmas.size(); i++) {
                Vma vma = vmas.get(i);
                if (vma.mappable == file) {
                    long low = Math.max(offset, vma.fileOffset);
                    long high =
                            Math.min(
                                    length > Long.MAX_VALUE - offset
                                            ? Long.MAX_VALUE
                                            : offset + length,
                                    vma.fileOffset + vma.length());
                    if (low < high) {
                        long start = vma.start + (low - vma.fileOffset) & -PageTable.PAGE;
                        mappings.zapFilePagesLocked(
                                start,
                                Math.min(
                                        vma.end,
                                        Mappings.roundUp(vma.start + (high - vma.fileOffset))));
                    }
                }
            }
        } finally {
            unlock();
        }
    }

    /** The mappings in order of address. */
    public List<Mapping> mappings() {
        mu.lock();
        try {
            ArrayList<Mapping> list = new ArrayList<>(vmas.size());
            for (int i = 0; i < vmas.size(); i++) {
                Vma vma = vmas.get(i);
                boolean stack =
                        vma.growsDown()
                                && vma.start <= layout.stackStart()
                                && layout.stackStart() < vma.end;
                String name = stack ? "[stack]" : (vma.flags & Vma.HEAP) != 0 ? "[heap]" : vma.name;
                int flags =
                        (vma.flags & Vma.SPECIAL) != 0
                                ? 0
                                : vma.flags & Vma.KEPT_FLAGS; // Linux shows its vDSO as private
                list.add(
                        new Mapping(
                                vma.start,
                                vma.end,
                                vma.prot,
                                flags,
                                vma.fileOffset,
                                vma.file,
                                name));
            }
            return list;
        } finally {
            mu.unlock();
        }
    }

    /** Bytes of address space in use (VmSize). */
    public long totalBytes() {
        mu.lock();
        try {
            return vmas.totalBytes();
        } finally {
            mu.unlock();
        }
    }

    /** Advice, residency, locking and the like. */
    public MemoryAdvice advice() {
        return new MemoryAdvice(this);
    }

    @Override
    public Record save(SaveContext context) {
        return MmState.save(this, context);
    }
}
