package dev.thaw.platform.memory;

import static dev.thaw.abi.Errno.ENOMEM;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.abi.Sysno;
import dev.thaw.host.RawSyscall;
import dev.thaw.platform.PlatformException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The {@link MemoryFile} over a sparse memfd. Offset space is handed out first-fit in {@linkplain PageChunk chunks} of 2 MiB: small runs share a chunk, large ones take whole chunks.
 * Freed runs are punched out of the memfd; a few single pages are kept as they are for the next copy on write, which overwrites them anyway.
 */
public final class MemFdMemoryFile extends MemoryFile {
    private static final long DEFAULT_SIZE = 1L << 40;
    private static final int CHUNK_SHIFT = 12 + PageChunk.SHIFT;
    private static final int CHUNKS_TO_SEARCH = 16;
    private static final int KEPT_RUN = 4;
    private static final int KEPT_PAGES = 1024;
    private static final int CHECK_EVERY_PAGES = 256;

    private final int fd;
    private final long size;
    private final MemorySegment view;
    private final ReentrantLock mu = new ReentrantLock();

    /** Index is the chunk's number; null where no page was ever taken. Written under {@link #mu}; counts of pages one holds may be read without it. */
    private volatile @Nullable PageChunk[] chunks = new @Nullable PageChunk[64];

    /** Chunks ever used. */
    @GuardedBy("mu")
    private int top;

    @GuardedBy("mu")
    private final BitSet whollyFree = new BitSet();

    @GuardedBy("mu")
    private final BitSet partlyFree = new BitSet();

    /** Page numbers with count zero that are still taken and hold old content. */
    @GuardedBy("mu")
    private final long[] kept = new long[KEPT_PAGES];

    @GuardedBy("mu")
    private int keptCount;

    @GuardedBy("mu")
    private long pagesUntilCheck;

    private volatile long limit = Long.MAX_VALUE;
    private volatile @Nullable LazyPages lazy;

    /** Whether a page was ever guarded. */
    private volatile boolean guards;

    /** Set and cleared while nobody writes pages. */
    private volatile @Nullable PageSnapshot snapshot;

    private boolean closed;

    private MemFdMemoryFile(int fd, long size, MemorySegment view) {
        this.fd = fd;
        this.size = size;
        this.view = view;
    }

    /** A memory file with room for 1 TiB of offsets and no limit. */
    public static MemFdMemoryFile create() throws PlatformException {
        return create(DEFAULT_SIZE);
    }

    /** A memory file with {@code size} bytes of offset space (a multiple of 2 MiB); none of it costs memory before it is touched. */
    public static MemFdMemoryFile create(long size) throws PlatformException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom("thaw-memory");
            long fd =
                    RawSyscall.call(
                            Sysno.SYS_memfd_create,
                            name.address(),
                            0x1 | 0x2,
                            0,
                            0,
                            0,
                            0); // CLOEXEC, ALLOW_SEALING
            check(fd, "memfd_create");
            check(
                    RawSyscall.call(Sysno.SYS_ftruncate, fd, size, 0, 0, 0, 0),
                    "ftruncate of the memory file");
            // The stubs hold this descriptor too: sealed, none of them can cut the file under the
            // Sentry. F_ADD_SEALS: SEAL | SHRINK | GROW.
            check(
                    RawSyscall.call(Sysno.SYS_fcntl, fd, 1033, 0x1 | 0x2 | 0x4, 0, 0, 0),
                    "sealing the memory file");
            // PROT_READ|PROT_WRITE, MAP_SHARED|MAP_NORESERVE
            long address = RawSyscall.call(Sysno.SYS_mmap, 0, size, 0x3, 0x4001, fd, 0);
            check(address > -4096 ? address : 0, "mapping the memory file");
            RawSyscall.call(Sysno.SYS_madvise, address, size, 16, 0, 0, 0); // MADV_DONTDUMP
            // SAFETY: the mapping lives until close(), after which no guest runs; the file is
            // sealed, so no access past its end.
            return new MemFdMemoryFile(
                    (int) fd, size, MemorySegment.ofAddress(address).reinterpret(size));
        }
    }

    private static void check(long result, String what) throws PlatformException {
        if (result < 0) {
            throw new PlatformException(what + ": errno " + -result);
        }
    }

    @Override
    public int fd() {
        return fd;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public MemorySegment view() {
        return view;
    }

    @Override
    public long allocate(long pages, long alignPages) {
        if (pages <= 0 || pages > size >> 12) {
            return -ENOMEM;
        }
        long page;
        boolean zero = false;
        mu.lock();
        try {
            if (overLimitLocked(pages)) {
                return -ENOMEM;
            }
            if (pages == 1 && alignPages <= 1 && keptCount > 0) {
                page = takeKeptLocked();
                zero = true;
            } else if (pages >= PageChunk.PAGES || alignPages >= PageChunk.PAGES) {
                page = allocateChunksLocked(pages, Math.max(1, alignPages >> PageChunk.SHIFT));
            } else {
                page = allocateSmallLocked((int) pages, (int) Math.max(1, alignPages));
            }
        } finally {
            mu.unlock();
        }
        if (zero) {
            view.asSlice(page << 12, PAGE_SIZE).fill((byte) 0);
        }
        return page < 0 ? page : page << 12;
    }

    @Override
    public long allocateForOverwrite() {
        mu.lock();
        try {
            if (overLimitLocked(1)) {
                return -ENOMEM;
            }
            long page = keptCount > 0 ? takeKeptLocked() : allocateSmallLocked(1, 1);
            return page < 0 ? page : page << 12;
        } finally {
            mu.unlock();
        }
    }

    @GuardedBy("mu")
    private long takeKeptLocked() {
        long page = kept[--keptCount];
        int i = (int) page & PageChunk.PAGES - 1;
        countsOf(page)[i] = 1;
        if (guards) {
            chunkLocked((int) (page >> PageChunk.SHIFT)).unguardRange(i, i + 1);
        }
        return page;
    }

    @GuardedBy("mu")
    private boolean overLimitLocked(long pages) {
        if (limit == Long.MAX_VALUE) {
            return false;
        }
        pagesUntilCheck -= pages;
        if (pagesUntilCheck > 0) {
            return false;
        }
        PageSnapshot current = snapshot;
        if (residentBytes() - (current == null ? 0 : current.heldBytes()) >= limit) {
            return true;
        }
        pagesUntilCheck = CHECK_EVERY_PAGES;
        return false;
    }

    @GuardedBy("mu")
    private long allocateSmallLocked(int pages, int align) {
        int tries = CHUNKS_TO_SEARCH;
        for (int i = partlyFree.nextSetBit(0);
                i >= 0 && tries > 0;
                i = partlyFree.nextSetBit(i + 1), tries--) {
            int start = chunkLocked(i).findFree(pages, align);
            if (start >= 0) {
                takeLocked(i, start, pages);
                return ((long) i << PageChunk.SHIFT) + start;
            }
        }
        int chunk = freeChunksLocked(1, 1);
        if (chunk < 0) {
            return -ENOMEM;
        }
        takeLocked(chunk, 0, pages);
        return (long) chunk << PageChunk.SHIFT;
    }

    @GuardedBy("mu")
    private long allocateChunksLocked(long pages, long alignChunks) {
        long needed = (pages + PageChunk.PAGES - 1) >> PageChunk.SHIFT;
        int first = freeChunksLocked(needed, alignChunks);
        if (first < 0) {
            return -ENOMEM;
        }
        for (int i = 0; i < needed; i++) {
            takeLocked(
                    first + i,
                    0,
                    (int) Math.min(PageChunk.PAGES, pages - ((long) i << PageChunk.SHIFT)));
        }
        return (long) first << PageChunk.SHIFT;
    }

    /** Finds {@code needed} free chunks in a row, making new ones at the end where none are. */
    @GuardedBy("mu")
    private int freeChunksLocked(long needed, long align) {
        int start = whollyFree.nextSetBit(0);
        while (start >= 0) {
            int end = whollyFree.nextClearBit(start);
            long aligned = (start + align - 1) & -align;
            if (end - aligned >= needed) {
                return (int) aligned;
            }
            start = whollyFree.nextSetBit(end);
        }
        long aligned = (top + align - 1) & -align;
        if ((aligned + needed) << CHUNK_SHIFT > size) {
            return -1;
        }
        growLocked((int) (aligned + needed));
        return (int) aligned;
    }

    @GuardedBy("mu")
    private void growLocked(int newTop) {
        if (newTop > chunks.length) {
            chunks = Arrays.copyOf(chunks, Math.max(newTop, 2 * chunks.length));
        }
        if (newTop > top) {
            whollyFree.set(top, newTop);
            top = newTop;
        }
    }

    @GuardedBy("mu")
    private void takeLocked(int chunk, int start, int pages) {
        PageChunk taken = chunkLocked(chunk);
        taken.take(start, pages);
        if (guards) {
            taken.unguardRange(start, start + pages);
        }
        updateSetsLocked(chunk);
    }

    @GuardedBy("mu")
    private PageChunk chunkLocked(int chunk) {
        PageChunk found = chunks[chunk];
        if (found == null) {
            found = new PageChunk();
            chunks[chunk] = found;
        }
        return found;
    }

    /** The counts of the chunk that holds {@code page}, of which the caller holds a reference. */
    private int[] countsOf(long page) {
        PageChunk chunk = chunks[(int) (page >> PageChunk.SHIFT)];
        if (chunk == null) {
            throw new AssertionError("page at offset " + (page << 12) + " is not allocated");
        }
        return chunk.counts;
    }

    @GuardedBy("mu")
    private void updateSetsLocked(int chunk) {
        int free = chunkLocked(chunk).free();
        whollyFree.set(chunk, free == PageChunk.PAGES);
        partlyFree.set(chunk, free > 0 && free < PageChunk.PAGES);
    }

    @Override
    public void retain(long offset, long length) {
        mu.lock();
        try {
            long end = (offset + length) >> 12;
            for (long page = offset >> 12; page < end; page++) {
                int[] counts = countsOf(page);
                int i = (int) page & PageChunk.PAGES - 1;
                if (counts[i] <= 0) {
                    throw new AssertionError(
                            "page at offset " + (page << 12) + " is not allocated");
                }
                counts[i]++;
            }
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void reserve(long offset, long length) {
        mu.lock();
        try {
            if (offset < 0 || length < 0 || offset > size - length) {
                throw new IllegalArgumentException(
                        "pages past the memory file's end: " + offset + "+" + length);
            }
            long end = (offset + length) >> 12;
            growLocked(Math.max(top, (int) ((end + PageChunk.PAGES - 1) >> PageChunk.SHIFT)));
            for (long page = offset >> 12; page < end; page++) {
                int chunk = (int) (page >> PageChunk.SHIFT);
                chunkLocked(chunk).reserve((int) page & PageChunk.PAGES - 1);
                if (page + 1 == end || (page + 1 & PageChunk.PAGES - 1) == 0) {
                    updateSetsLocked(chunk);
                }
            }
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void release(long offset, long length) {
        long[] freed = null;
        int freedCount = 0;
        mu.lock();
        try {
            long end = (offset + length) >> 12;
            long start = -1;
            for (long page = offset >> 12; page <= end; page++) {
                boolean gone = page < end && dropLocked(page) && !holdLocked(page);
                if (gone && start < 0) {
                    start = page;
                } else if (!gone && start >= 0) {
                    if (!keepLocked(start, page)) {
                        if (freed == null) {
                            freed = new long[2];
                        } else if (freedCount == freed.length) {
                            freed = Arrays.copyOf(freed, 2 * freedCount);
                        }
                        freed[freedCount++] = start;
                        freed[freedCount++] = page;
                    }
                    start = -1;
                }
            }
        } finally {
            mu.unlock();
        }
        if (freed != null) {
            punch(freed, freedCount);
        }
    }

    @GuardedBy("mu")
    private boolean dropLocked(long page) {
        int[] counts = countsOf(page);
        int i = (int) page & PageChunk.PAGES - 1;
        int count = --counts[i];
        if (count < 0) {
            throw new AssertionError("page at offset " + (page << 12) + " is given back twice");
        }
        return count == 0;
    }

    /** Whether a snapshot still wants a page that is not referenced any more: it is given back with the snapshot then. */
    @GuardedBy("mu")
    private boolean holdLocked(long page) {
        PageSnapshot current = snapshot;
        return current != null && current.hold(page);
    }

    /** Keeps a short freed run for later copies instead of punching it. */
    @GuardedBy("mu")
    private boolean keepLocked(long start, long end) {
        if (end - start > KEPT_RUN || keptCount + (end - start) > KEPT_PAGES || lazy != null) {
            return false;
        }
        for (long page = start; page < end; page++) {
            kept[keptCount++] = page;
        }
        return true;
    }

    /** The pages have count zero and are still taken, so nobody can get them before their holes are punched. */
    private void punch(long[] runs, int count) {
        LazyPages lazyPages = lazy;
        for (int i = 0; i < count; i += 2) {
            if (lazyPages != null) {
                lazyPages.forget(runs[i], runs[i + 1]);
            }
            // FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
            long result =
                    RawSyscall.call(
                            Sysno.SYS_fallocate,
                            fd,
                            3,
                            runs[i] << 12,
                            (runs[i + 1] - runs[i]) << 12,
                            0,
                            0);
            if (result < 0) {
                view.asSlice(runs[i] << 12, (runs[i + 1] - runs[i]) << 12).fill((byte) 0);
            }
        }
        mu.lock();
        try {
            for (int i = 0; i < count; i += 2) {
                for (long page = runs[i]; page < runs[i + 1]; ) {
                    int chunk = (int) (page >> PageChunk.SHIFT);
                    long stop = Math.min(runs[i + 1], (long) (chunk + 1) << PageChunk.SHIFT);
                    chunkLocked(chunk)
                            .giveBack((int) page & PageChunk.PAGES - 1, (int) (stop - page));
                    updateSetsLocked(chunk);
                    page = stop;
                }
            }
        } finally {
            mu.unlock();
        }
    }

    @Override
    public boolean isExclusive(long offset) {
        // Without the lock: the caller holds a reference, so a 1 can only be raised by the caller
        // itself.
        long page = offset >> 12;
        return countsOf(page)[(int) page & PageChunk.PAGES - 1] == 1;
    }

    @Override
    public long holeLength(long offset, long length) {
        LazyPages pages = lazy;
        if (pages != null) {
            long loaded = pages.loadedLength(offset, length);
            return loaded == 0 ? 0 : unwritten(offset, loaded);
        }
        return unwritten(offset, length);
    }

    @Override
    public boolean isPopulated(long offset, long length) {
        LazyPages pages = lazy;
        if (pages != null && pages.loadedLength(offset, length) != length) {
            return false;
        }
        return RawSyscall.call(Sysno.SYS_lseek, fd, offset, 4, 0, 0, 0)
                >= offset + length; // SEEK_HOLE
    }

    private long unwritten(long offset, long length) {
        long data = RawSyscall.call(Sysno.SYS_lseek, fd, offset, 3, 0, 0, 0); // SEEK_DATA
        return data < 0 ? length : Math.min(length, data - offset);
    }

    @Override
    public void load(long offset, long length) {
        LazyPages pages = lazy;
        if (pages != null && pages.load(offset, length)) {
            lazy = null;
        }
    }

    @Override
    public boolean isLazy() {
        LazyPages pages = lazy;
        return pages != null && !pages.isEmpty();
    }

    @Override
    public long nextLazy(long offset) {
        LazyPages pages = lazy;
        long page = pages == null ? -1 : pages.next(offset >> 12);
        return page < 0 ? -1 : page << 12;
    }

    @Override
    public void setLazy(PageLoader loader, long offset, long length) {
        LazyPages pages = lazy;
        if (pages == null) {
            pages = new LazyPages(this, loader);
            lazy = pages;
        }
        pages.add(offset, length);
        guard(offset, length);
    }

    private void guard(long offset, long length) {
        mu.lock();
        try {
            long end = (offset + length) >> 12;
            growLocked(Math.max(top, (int) ((end + PageChunk.PAGES - 1) >> PageChunk.SHIFT)));
            for (long page = offset >> 12; page < end; ) {
                long stop = Math.min(end, (page | 63) + 1);
                chunkLocked((int) (page >> PageChunk.SHIFT))
                        .guard(
                                (int) (page >> 6) & PageChunk.WORDS - 1,
                                (-1L >>> (64 - (stop - page))) << page);
                page = stop;
            }
            guards = true;
        } finally {
            mu.unlock();
        }
    }

    @Override
    public boolean hasGuards() {
        return guards;
    }

    @Override
    public boolean isGuarded(long offset) {
        long page = offset >> 12;
        return guards && (guardedWord(page) & 1L << page) != 0;
    }

    private long guardedWord(long page) {
        PageChunk chunk = chunks[(int) (page >> PageChunk.SHIFT)];
        return chunk == null ? 0 : chunk.guarded((int) (page >> 6) & PageChunk.WORDS - 1);
    }

    @Override
    public void beforeWrite(long offset, long length) {
        if (!guards || length <= 0) {
            return;
        }
        long end = (offset + length + PAGE_SIZE - 1) >> 12;
        for (long page = offset >> 12; page < end; ) {
            long stop = Math.min(end, (page | 63) + 1);
            long mask = (-1L >>> (64 - (stop - page))) << page;
            if ((guardedWord(page) & mask) != 0) {
                open(page >> 6, mask);
            }
            page = stop;
        }
    }

    /** The content is saved before the guard goes, so that who sees none may write. */
    private void open(long stretch, long mask) {
        PageSnapshot current = snapshot;
        if (current != null) {
            current.save(stretch, mask);
        }
        PageChunk chunk = chunks[(int) (stretch / PageChunk.WORDS)];
        if (chunk != null) {
            chunk.unguard((int) stretch & PageChunk.WORDS - 1, mask);
        }
    }

    @Override
    public void guardAll() {
        mu.lock();
        try {
            guards = true;
            for (int i = 0; i < top; i++) {
                PageChunk chunk = chunks[i];
                for (int word = 0; chunk != null && word < PageChunk.WORDS; word++) {
                    chunk.guardTaken(word);
                }
            }
        } finally {
            mu.unlock();
        }
    }

    @Override
    public PageSnapshot snapshot(@Nullable BitSet whole) {
        mu.lock();
        try {
            if (snapshot != null) {
                throw new IllegalStateException("a snapshot is in progress");
            }
            long[] wanted = new long[top * PageChunk.WORDS];
            long[] changed = new long[wanted.length];
            for (int i = 0; i < top; i++) {
                PageChunk chunk = chunks[i];
                for (int word = 0; chunk != null && word < PageChunk.WORDS; word++) {
                    int stretch = i * PageChunk.WORDS + word;
                    chunk.guardTaken(word);
                    wanted[stretch] = chunk.taken(word);
                    changed[stretch] = chunk.takeChanged(word);
                }
            }
            for (int i = 0; whole != null && i < changed.length; i++) {
                if (changed[i] != 0 && whole.get(i)) {
                    changed[i] = wanted[i];
                }
            }
            for (int i = 0; i < keptCount; i++) { // old content that nobody wants
                wanted[(int) (kept[i] >> 6)] &= ~(1L << kept[i]);
                changed[(int) (kept[i] >> 6)] &= ~(1L << kept[i]);
            }
            guards = true;
            PageSnapshot made = new PageSnapshot(this, wanted, changed, whole != null);
            snapshot = made;
            return made;
        } finally {
            mu.unlock();
        }
    }

    /** Ends the snapshot: gives back what it held, and if it came to nothing, what changed before it counts as changed still. */
    void end(PageSnapshot ended, boolean complete) {
        long[] runs;
        mu.lock();
        try {
            if (snapshot != ended) {
                return;
            }
            snapshot = null;
            runs = ended.heldRuns();
            for (int i = 0; !complete && i < ended.stretches(); i++) {
                PageChunk chunk = chunks[i / PageChunk.WORDS];
                if (chunk != null) {
                    chunk.restoreChanges(i & PageChunk.WORDS - 1, ended.changed(i));
                }
            }
        } finally {
            mu.unlock();
        }
        punch(runs, runs.length);
    }

    @Override
    public long forgetUnclaimed() {
        LazyPages pages = lazy;
        return pages == null ? 0 : pages.forgetIf(page -> !isReferenced(page));
    }

    @Override
    public void supply(long offset, MemorySegment data, long dataOffset, long length) {
        LazyPages pages = lazy;
        if (pages != null) {
            pages.supply(offset, data, dataOffset, length, this::isReferenced);
        }
    }

    @Override
    public void forEachPopulated(RunVisitor visitor) {
        LazyPages pages = lazy;
        long end;
        mu.lock();
        try {
            end = (long) top << PageChunk.SHIFT;
        } finally {
            mu.unlock();
        }
        long start = -1;
        long dataStart = 0;
        long dataEnd = 0;
        for (long page = 0; page <= end; page++) {
            if (page >= dataEnd && page < end) {
                dataStart = seek(page, 3, end);
                dataEnd = dataStart == end ? end : seek(dataStart, 4, end);
            }
            if (page < dataStart && pages == null) {
                if (start >= 0) {
                    visitor.run(start << 12, (page - start) << 12);
                    start = -1;
                }
                page = dataStart - 1;
                continue;
            }
            boolean wanted =
                    page < end
                            && isReferenced(page)
                            && (page >= dataStart || (pages != null && pages.isLazy(page)));
            if (wanted && start < 0) {
                start = page;
            } else if (!wanted && start >= 0) {
                visitor.run(start << 12, (page - start) << 12);
                start = -1;
            }
        }
    }

    private boolean isReferenced(long page) {
        PageChunk chunk = chunks[(int) (page >> PageChunk.SHIFT)];
        return chunk != null && chunk.counts[(int) page & PageChunk.PAGES - 1] > 0;
    }

    /** SEEK_DATA (3) or SEEK_HOLE (4) in pages. */
    private long seek(long page, int whence, long end) {
        long result = RawSyscall.call(Sysno.SYS_lseek, fd, page << 12, whence, 0, 0, 0);
        return result < 0 ? end : Math.min(end, result >> 12);
    }

    @Override
    public void setLimit(long bytes) {
        limit = bytes;
    }

    @Override
    public long limit() {
        return limit;
    }

    @Override
    public long residentBytes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(144, 8);
            long result = RawSyscall.call(Sysno.SYS_fstat, fd, stat.address(), 0, 0, 0, 0);
            return result < 0 ? 0 : stat.get(ValueLayout.JAVA_LONG, 64) * 512; // st_blocks
        }
    }

    @Override
    public void close() {
        mu.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
        } finally {
            mu.unlock();
        }
        RawSyscall.call(Sysno.SYS_munmap, view.address(), size, 0, 0, 0, 0);
        RawSyscall.call(Sysno.SYS_close, fd, 0, 0, 0, 0, 0);
    }
}
