package dev.thaw.sentry.mm;

import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.abi.Errno.ENOMEM;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.lock.KernelLock;
import dev.thaw.sentry.lock.LockClass;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateType;

/** Anonymous memory that is shared across fork (MAP_SHARED | MAP_ANONYMOUS). Its pages live until the last mapping goes. */
final class SharedMemory implements Mappable {
    private final KernelLock mu = new KernelLock(LockClass.MAPPINGS);
    private final MemoryFile memory;
    private final long length;

    /** Memory-file offsets by byte of the object, with {@link PageTable#PRESENT} set. */
    @GuardedBy("mu")
    private final PageTable pages = new PageTable();

    @GuardedBy("mu")
    private long mappedBytes;

    SharedMemory(MemoryFile memory, long length) {
        this.memory = memory;
        this.length = length;
    }

    @Override
    public PageRun pages(long offset, long wanted, boolean write) throws ErrnoException {
        if (offset >= length) {
            throw errno(EFAULT);
        }
        mu.lock();
        try {
            long end = Math.min(length, offset + wanted);
            if (pages.get(offset) == 0) {
                long stop =
                        pages.nextPresent(
                                offset,
                                Math.min(
                                        end,
                                        (offset & -PageTable.LEAF_SIZE) + PageTable.LEAF_SIZE));
                long fresh = memory.allocate(stop - offset >> 12, 1);
                if (fresh < 0) {
                    throw errno(ENOMEM);
                }
                pages.setRun(offset, stop, fresh, PageTable.PRESENT);
            }
            long first = pages.get(offset) & PageTable.OFFSET_MASK;
            long run = pages.runEnd(offset, end, 0) - offset;
            memory.retain(first, run);
            return new PageRun(offset, first, run);
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void addMapping(MemoryManager mm, long address, long offset, long bytes) {
        mu.lock();
        try {
            mappedBytes += bytes;
        } finally {
            mu.unlock();
        }
    }

    @Override
    public void removeMapping(MemoryManager mm, long address, long offset, long bytes) {
        mu.lock();
        try {
            mappedBytes -= bytes;
            if (mappedBytes == 0) {
                for (long at = pages.nextPresent(0, length);
                        at < length;
                        at = pages.nextPresent(at, length)) {
                    long end = pages.runEnd(at, length, 0);
                    memory.release(pages.get(at) & PageTable.OFFSET_MASK, end - at);
                    at = end;
                }
                pages.clear(0, length);
            }
        } finally {
            mu.unlock();
        }
    }

    @Override
    public Record save(SaveContext context) {
        mu.lock();
        try {
            return new State(length, PageRuns.save(pages, length));
        } finally {
            mu.unlock();
        }
    }

    /** {@code runs}: see {@link PageRuns}. Who maps it is told by the address spaces. */
    @StateType(id = 0x0204, version = 1)
    record State(long length, long[] runs) {}

    static final Restorer<State, SharedMemory> RESTORER =
            new Restorer<>() {
                @Override
                public SharedMemory create(State state, RestoreContext context) {
                    return new SharedMemory(context.service(MemoryFile.class), state.length);
                }

                @Override
                public void link(SharedMemory object, State state, RestoreContext context) {
                    object.mu.lock();
                    try {
                        PageRuns.restore(object.pages, state.runs, object.length, object.memory);
                    } finally {
                        object.mu.unlock();
                    }
                }
            };
}
