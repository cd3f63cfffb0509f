package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.abi.Errno.ENXIO;
import static dev.thaw.abi.Fcntl.SEEK_DATA;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.mm.Mappable;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The content of a regular file as pages of the memory file (Linux: {@code struct address_space}): what read, write and mmap share, so they always agree.
 *
 * <p>Without a {@link PageSource} absent pages are holes. With one, an absent page below {@link #sourceLimit} has the source's content: reads go to the source directly, and a page is
 * taken into the cache when it is mapped, or (a writable layer over a read-only one) when it is written; so a file is copied up page by page.
 *
 * <p>Readers and writers copy to and from guest memory without a lock: see {@link PageGate}.
 */
@SuppressWarnings("NullAway.Init")
public final class PageCache implements Mappable {
    private static final int PAGE = MemoryFile.PAGE_SIZE;
    private static final int READ_AHEAD = 16;
    private static final int BULK = 64;

    private final KernelLock mu = new KernelLock(LockClass.PAGE_CACHE);
    private final PageTable pages = new PageTable();
    private final PageGate gate = new PageGate();
    private final PageMappings mappings = new PageMappings();
    private MemoryFile memory;
    private @Nullable PageQuota quota;
    private @Nullable PageSource source;
    private volatile long sourceLimit;
    private volatile long size;
    private volatile long held;

    /** An empty file. */
    public PageCache(MemoryFile memory, @Nullable PageQuota quota) {
        this.memory = memory;
        this.quota = quota;
    }

    /** A file whose first {@code size} bytes are {@code source}'s. */
    public PageCache(MemoryFile memory, @Nullable PageQuota quota, PageSource source, long size) {
        this.memory = memory;
        this.quota = quota;
        this.source = source;
        this.sourceLimit = size;
        this.size = size;
    }

    private PageCache() {}

    /** Bytes of the file. */
    public long size() {
        return size;
    }

    /** Pages held in the memory file. */
    public long heldPages() {
        return held;
    }

    /** Sets the size without touching pages: another than us grew the file. */
    public void setSize(long value) {
        size = value;
    }

    /** As {@link #setSize}, with the source grown too. */
    public void setSourceSize(long value) {
        size = value;
        sourceLimit = value;
    }

    /** Copies from {@code offset} on; returns bytes, 0 at the end. */
    public long read(IoBuffer target, long offset) throws ErrnoException {
        long end = size;
        if (offset >= end) {
            return 0;
        }
        long total = Math.min(target.remaining(), end - offset);
        long done = 0;
        gate.enter();
        try {
            while (done < total) {
                long count = readOnce(target, offset + done, total - done);
                if (count <= 0) {
                    break;
                }
                done += count;
            }
        } catch (ErrnoException e) {
            if (done == 0) {
                throw e;
            }
        } finally {
            gate.leave(memory);
        }
        return done;
    }

    private long readOnce(IoBuffer target, long at, long wanted) throws ErrnoException {
        long index = at >>> 12;
        int within = (int) at & (PAGE - 1);
        long entry = pages.get(index);
        if (entry != 0) {
            long start = entry & PageTable.OFFSET;
            long length = contiguous(index, start, within, wanted);
            memory.load(start, within + length);
            return target.put(memory.view(), start + within, length);
        }
        long gap = absent(index, within, wanted);
        PageSource from = source;
        if (from != null && at < sourceLimit) {
            long count = from.readInto(target, at, Math.min(gap, sourceLimit - at));
            if (count > 0) {
                return count;
            }
        }
        return target.putZeros(gap);
    }

    /** How many of {@code wanted} bytes lie in pages that follow each other in the memory file. */
    private long contiguous(long index, long start, int within, long wanted) {
        long length = PAGE - within;
        long next = start + PAGE;
        while (length < wanted) {
            long entry = pages.get(++index);
            if (entry == 0 || (entry & PageTable.OFFSET) != next) {
                return length;
            }
            next += PAGE;
            length += PAGE;
        }
        return wanted;
    }

    private long absent(long index, int within, long wanted) {
        long length = PAGE - within;
        while (length < wanted && pages.get(++index) == 0) {
            length += PAGE;
        }
        return Math.min(length, wanted);
    }

    /** Copies at most {@code most} bytes to {@code offset} on, growing the file. Returns bytes; the caller holds the inode's write lock. */
    public long write(IoBuffer from, long offset, long most) throws ErrnoException {
        long total = Math.min(most, from.remaining());
        long done = 0;
        gate.enter();
        try {
            while (done < total) {
                long at = offset + done;
                int within = (int) at & (PAGE - 1);
                long start = own(at >>> 12, within, total - done);
                long length = contiguous(at >>> 12, start, within, total - done);
                memory.load(start, within + length);
                memory.beforeWrite(start + within, length);
                long count = from.take(memory.view(), start + within, length);
                done += count;
                grow(at + count);
                if (count < length) {
                    break;
                }
            }
        } catch (ErrnoException e) {
            if (done == 0) {
                throw e;
            }
        } finally {
            gate.leave(memory);
        }
        return done;
    }

    private void grow(long end) {
        if (end > size) {
            mu.lock();
            try {
                if (end > size) {
                    size = end;
                }
            } finally {
                mu.unlock();
            }
        }
    }

    /** The memory-file page of {@code index}, present and dirty; more pages that follow are made too where {@code bytes} reach over them. */
    private long own(long index, int within, long bytes) throws ErrnoException {
        long entry = pages.get(index);
        if ((entry & PageTable.DIRTY) != 0) {
            return entry & PageTable.OFFSET;
        }
        mu.lock();
        try {
            entry = pages.get(index);
            if ((entry & PageTable.DIRTY) != 0) {
                return entry & PageTable.OFFSET;
            }
            if (entry != 0) {
                charge(1);
                pages.set(index, entry | PageTable.DIRTY);
                return entry & PageTable.OFFSET;
            }
            int count = 1;
            long span = Math.min(BULK, (within + bytes + PAGE - 1) >>> 12);
            while (count < span && pages.get(index + count) == 0) {
                count++;
            }
            return makeLocked(index, count, true);
        } finally {
            mu.unlock();
        }
    }

    /** Makes {@code count} absent pages from {@code index} on; returns the first one's offset. */
    private long makeLocked(long index, int count, boolean dirty) throws ErrnoException {
        if (dirty) {
            if (count > 1
                    && quota != null
                    && quota.limit() != 0
                    && quota.used() + count > quota.limit()) {
                count = 1;
            }
            charge(count);
        }
        boolean done = false;
        long start = -1;
        try {
            pages.set(index + count - 1, 0);
            start = memory.allocate(count, 1);
            if (start < 0) {
                throw errno(ENOMEM);
            }
            PageSource from = source;
            long at = index << 12;
            if (from != null && at < sourceLimit) {
                from.readPages(
                        at, memory.view(), start, Math.min((long) count << 12, sourceLimit - at));
            }
            done = true;
        } finally {
            if (!done) {
                if (start >= 0) {
                    memory.release(start, (long) count << 12);
                }
                if (dirty) {
                    uncharge(count);
                }
            }
        }
        VarHandle.releaseFence();
        for (int i = 0; i < count; i++) {
            pages.set(
                    index + i,
                    start + ((long) i << 12) | PageTable.PRESENT | (dirty ? PageTable.DIRTY : 0));
        }
        held += count;
        return start;
    }

    private void charge(long count) throws ErrnoException {
        PageQuota q = quota;
        if (q != null) {
            q.charge(count);
        }
    }

    private void uncharge(long count) {
        PageQuota q = quota;
        if (q != null && count != 0) {
            q.release(count);
        }
    }

    /** Sets the size; what lies beyond is cut off, also from those who map it. The caller holds the inode's write lock. */
    public void truncate(long newSize) throws ErrnoException {
        long old = size;
        if (newSize < 0) {
            throw errno(EINVAL);
        }
        size = newSize;
        if (newSize < old || newSize < sourceLimit) {
            sourceLimit = Math.min(sourceLimit, newSize);
            zeroTail(newSize);
            cut((newSize + PAGE - 1) >>> 12, Long.MAX_VALUE);
        }
    }

    private void zeroTail(long end) throws ErrnoException {
        int within = (int) end & (PAGE - 1);
        long entry = pages.get(end >>> 12);
        if (within != 0 && entry != 0) {
            long start = entry & PageTable.OFFSET;
            memory.load(start, PAGE);
            memory.beforeWrite(start, PAGE);
            memory.view().asSlice(start + within, PAGE - within).fill((byte) 0);
        }
    }

    /** Makes a hole (FALLOC_FL_PUNCH_HOLE); partial pages at its ends are set to zero. */
    public void punch(long offset, long length) throws ErrnoException {
        long end = Math.min(offset + length, (size + PAGE - 1) & -PAGE);
        if (offset >= end) {
            return;
        }
        long firstWhole = (offset + PAGE - 1) >>> 12;
        long endWhole = end >>> 12;
        if (source != null) {
            // A hole over the source's content has to hide it: own the pages as zeros.
            for (long i = offset >>> 12; i <= (end - 1) >>> 12; i++) {
                own(i, 0, PAGE);
            }
            zero(offset, end);
            return;
        }
        if (firstWhole > endWhole) {
            zero(offset, end);
            return;
        }
        zero(offset, Math.min(end, firstWhole << 12));
        zero(Math.max(offset, endWhole << 12), end);
        cut(firstWhole, endWhole);
    }

    private void zero(long from, long to) {
        for (long at = from; at < to; ) {
            long next = Math.min(to, (at | (PAGE - 1)) + 1);
            long entry = pages.get(at >>> 12);
            if (entry != 0) {
                long start = entry & PageTable.OFFSET;
                memory.load(start, PAGE);
                memory.beforeWrite(start, PAGE);
                memory.view().asSlice(start + (at & (PAGE - 1)), next - at).fill((byte) 0);
            }
            at = next;
        }
    }

    /** Makes pages for a range (fallocate), so that writing there can not fail for want of space. */
    public void reserve(long offset, long length) throws ErrnoException {
        long last = (offset + length - 1) >>> 12;
        for (long i = offset >>> 12; i <= last; i++) {
            own(i, 0, (last - i + 1) << 12);
        }
    }

    /** Takes pages {@code first … end-1} out, tells those who map them, and gives them back. */
    private void cut(long first, long end) {
        ArrayList<PageGate.Run> runs = new ArrayList<>();
        mu.lock();
        try {
            long dirty = 0;
            long count = 0;
            for (long i = pages.next(first); i >= 0 && i < end; i = pages.next(i + 1)) {
                long entry = pages.get(i);
                dirty += (entry & PageTable.DIRTY) >> 1;
                count++;
                pages.clear(i);
                long offset = entry & PageTable.OFFSET;
                PageGate.Run last = runs.isEmpty() ? null : runs.getLast();
                if (last != null && last.offset() + last.length() == offset) {
                    runs.set(
                            runs.size() - 1, new PageGate.Run(last.offset(), last.length() + PAGE));
                } else {
                    runs.add(new PageGate.Run(offset, PAGE));
                }
            }
            held -= count;
            uncharge(dirty);
        } finally {
            mu.unlock();
        }
        long endByte = end >= Long.MAX_VALUE >>> 12 ? Long.MAX_VALUE & -PAGE : end << 12;
        mappings.invalidate(this, first << 12, endByte);
        if (!runs.isEmpty()) {
            gate.retire(memory, runs);
        }
    }

    /** Takes a flushed page. */
    @FunctionalInterface
    public interface Writer {
        /** Writes {@code length} bytes of {@code view} to the file at {@code offset}; returns the bytes written or {@code -errno}. */
        long write(MemorySegment view, long viewOffset, long offset, long length);
    }

    /** Whether a page was written that the source does not have. */
    public boolean isDirty() {
        for (long i = pages.next(0); i >= 0; i = pages.next(i + 1)) {
            if ((pages.get(i) & PageTable.DIRTY) != 0) {
                return true;
            }
        }
        return false;
    }

    /** Writes dirty pages back. They stay dirty while the file is mapped, as nobody tells of later writes. */
    public void flush(Writer writer) throws ErrnoException {
        boolean mapped = isMapped();
        gate.enter();
        try {
            for (long i = pages.next(0); i >= 0; i = pages.next(i + 1)) {
                long entry = pages.get(i);
                long length = Math.min(PAGE, size - (i << 12));
                if ((entry & PageTable.DIRTY) == 0 || length <= 0) {
                    continue;
                }
                long start = entry & PageTable.OFFSET;
                memory.load(start, PAGE);
                ErrnoException.check(writer.write(memory.view(), start, i << 12, length));
                if (!mapped) {
                    clean(i, entry);
                }
            }
        } finally {
            gate.leave(memory);
        }
    }

    private void clean(long index, long entry) throws ErrnoException {
        mu.lock();
        try {
            if (pages.get(index) == entry) {
                pages.set(index, entry & ~PageTable.DIRTY);
                uncharge(1);
            }
        } finally {
            mu.unlock();
        }
    }

    /** Puts bytes that were written to the source into the pages that are here. */
    public void overwrite(MemorySegment bytes, long offset, long length) {
        gate.enter();
        try {
            for (long at = offset; at < offset + length; ) {
                long next = Math.min(offset + length, (at | (PAGE - 1)) + 1);
                long entry = pages.get(at >>> 12);
                if (entry != 0) {
                    long start = entry & PageTable.OFFSET;
                    memory.load(start, PAGE);
                    memory.beforeWrite(start, PAGE);
                    MemorySegment.copy(
                            bytes,
                            at - offset,
                            memory.view(),
                            start + (at & (PAGE - 1)),
                            next - at);
                }
                at = next;
            }
        } finally {
            gate.leave(memory);
        }
    }

    /** Forgets all pages: the source has them. */
    public void forget() {
        cut(0, Long.MAX_VALUE);
    }

    /** Gives everything back: nobody can reach the file any more. */
    public void discard() {
        sourceLimit = 0;
        cut(0, Long.MAX_VALUE);
    }

    /** Whether someone maps the file. */
    public boolean isMapped() {
        return !mappings.isEmpty();
    }

    /** SEEK_DATA and SEEK_HOLE. */
    public long seekData(long offset, int whence) throws ErrnoException {
        long end = size;
        if (offset < 0 || offset >= end) {
            throw errno(ENXIO);
        }
        long index = offset >>> 12;
        boolean data = whence == SEEK_DATA;
        while (index << 12 < end) {
            boolean isData = pages.get(index) != 0 || index << 12 < sourceLimit;
            if (isData == data) {
                return Math.max(offset, index << 12);
            }
            if (data) {
                long next = pages.next(index);
                if (next < 0) {
                    break;
                }
                index = next;
            } else {
                index++;
            }
        }
        if (data) {
            throw errno(ENXIO);
        }
        return end;
    }

    // Mappable

    @Override
    public PageRun pages(long offset, long length, boolean write) throws ErrnoException {
        mu.lock();
        try {
            long end = (size + PAGE - 1) & -PAGE;
            if (offset >= end) {
                throw errno(EFAULT);
            }
            long limit = Math.min(length, end - offset);
            long index = offset >>> 12;
            long entry = pages.get(index);
            if (entry == 0) {
                int count = 1;
                long most = Math.min(READ_AHEAD, limit >>> 12);
                while (count < most && pages.get(index + count) == 0) {
                    count++;
                }
                makeLocked(index, count, write || source == null);
            } else if (write && (entry & PageTable.DIRTY) == 0) {
                charge(1);
                pages.set(index, entry | PageTable.DIRTY);
            }
            long start = pages.get(index) & PageTable.OFFSET;
            long run = contiguousDirty(index, start, limit, write);
            memory.retain(start, run);
            return new PageRun(offset, start, run);
        } finally {
            mu.unlock();
        }
    }

    private long contiguousDirty(long index, long start, long limit, boolean write)
            throws ErrnoException {
        long length = PAGE;
        while (length < limit) {
            long entry = pages.get(++index);
            if (entry == 0 || (entry & PageTable.OFFSET) != start + length) {
                return length;
            }
            if (write && (entry & PageTable.DIRTY) == 0) {
                return length;
            }
            length += PAGE;
        }
        return length;
    }

    @Override
    public void addMapping(MemoryManager mm, long address, long offset, long length) {
        mappings.add(mm, address, offset, length);
    }

    @Override
    public void removeMapping(MemoryManager mm, long address, long offset, long length) {
        mappings.remove(mm, address, length);
    }

    /** What a checkpoint keeps: {@code runs} holds (first page index, entry of the first page, pages) for pages that follow each other in file and memory file with the same flags. */
    @StateType(id = 0x030e)
    public record State(long size, long sourceLimit, int source, long[] runs) {}

    @Override
    public Record save(SaveContext context) {
        ArrayList<long[]> runs = new ArrayList<>();
        long[] last = null;
        for (long i = pages.next(0); i >= 0; i = pages.next(i + 1)) {
            long entry = pages.get(i);
            if (last != null && last[0] + last[2] == i && last[1] + (last[2] << 12) == entry) {
                last[2]++;
            } else {
                last = new long[] {i, entry, 1};
                runs.add(last);
            }
        }
        long[] flat = new long[runs.size() * 3];
        for (int i = 0; i < runs.size(); i++) {
            System.arraycopy(runs.get(i), 0, flat, i * 3, 3);
        }
        return new State(size, sourceLimit, context.ref(source), flat);
    }

    static final Restorer<State, PageCache> RESTORER =
            new Restorer<>() {
                @Override
                public PageCache create(State state, RestoreContext context) {
                    return new PageCache();
                }

                @Override
                public void link(PageCache cache, State state, RestoreContext context) {
                    cache.restore(state, context);
                }
            };

    private void restore(State state, RestoreContext context) {
        memory = context.service(MemoryFile.class);
        source = context.getOrNull(state.source, PageSource.class);
        sourceLimit = state.sourceLimit;
        size = state.size;
        PageStates.fill(pages, state.runs);
        PageStates.reserve(memory, state.runs);
        for (int i = 2; i < state.runs.length; i += 3) {
            held += state.runs[i];
        }
    }

    /** After a restore: the quota that the file's pages count against. */
    public void restoreQuota(PageQuota restored) {
        quota = restored;
        long dirty = 0;
        for (long i = pages.next(0); i >= 0; i = pages.next(i + 1)) {
            dirty += (pages.get(i) & PageTable.DIRTY) >> 1;
        }
        restored.restore(dirty);
    }
}
