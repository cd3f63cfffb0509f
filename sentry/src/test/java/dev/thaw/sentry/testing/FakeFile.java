package dev.thaw.sentry.testing;

import static dev.thaw.abi.Errno.EFAULT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.mm.Mappable;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.state.SaveContext;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A regular file whose content stands in the memory file, scattered so that no two pages follow each other. */
public final class FakeFile extends FileDescription implements Mappable {
    private final MemoryFile memory;
    private final long size;
    private final List<Long> pages = new ArrayList<>();
    private final boolean scattered;

    /** Bytes that are mapped now, by what was told. */
    public long mappedBytes;

    public FakeFile(MemoryFile memory, byte[] content, int statusFlags) {
        this(memory, content, statusFlags, true);
    }

    public FakeFile(MemoryFile memory, byte[] content, int statusFlags, boolean scattered) {
        super(statusFlags);
        this.memory = memory;
        this.size = content.length;
        this.scattered = scattered;
        for (int at = 0; at < content.length; at += 4096) {
            long page = memory.allocate(scattered ? 2 : 1, 1);
            if (scattered) {
                memory.release(page + 4096, 4096);
            }
            MemorySegment.copy(
                    MemorySegment.ofArray(content),
                    at,
                    memory.view(),
                    page,
                    Math.min(4096, content.length - at));
            pages.add(page);
        }
    }

    /** The memory-file offset of a page of the file. */
    public long page(int index) {
        return pages.get(index);
    }

    @Override
    protected void release() {
        for (long page : pages) {
            memory.release(page, 4096);
        }
    }

    @Override
    public long pread(Task task, IoBuffer target, long offset) throws ErrnoException {
        long done = 0;
        while (target.remaining() > 0 && offset + done < size) {
            long at = offset + done;
            long count = Math.min(4096 - at % 4096, size - at);
            done +=
                    target.put(
                            memory.view(),
                            pages.get((int) (at / 4096)) + at % 4096,
                            Math.min(count, target.remaining()));
        }
        return done;
    }

    @Override
    public Mappable mappable() {
        return this;
    }

    @Override
    public PageRun pages(long offset, long length, boolean write) throws ErrnoException {
        if (offset >= size) {
            throw errno(EFAULT);
        }
        long page = pages.get((int) (offset / 4096));
        memory.retain(page, 4096);
        return new PageRun(offset, page, 4096);
    }

    @Override
    public void addMapping(MemoryManager mm, long address, long offset, long length) {
        mappedBytes += length;
    }

    @Override
    public void removeMapping(MemoryManager mm, long address, long offset, long length) {
        mappedBytes -= length;
    }

    @Override
    public Record save(SaveContext context) {
        throw new UnsupportedOperationException();
    }

    @Override
    public String toString() {
        return "FakeFile of " + size + (scattered ? " scattered" : "");
    }
}
