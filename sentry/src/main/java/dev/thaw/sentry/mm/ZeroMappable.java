package dev.thaw.sentry.mm;

import dev.thaw.state.SaveContext;

/** Stands for /dev/zero: mapping it is mapping anonymous memory. Never kept in a VMA, hence never saved. */
public final class ZeroMappable implements Mappable {
    public static final ZeroMappable INSTANCE = new ZeroMappable();

    private ZeroMappable() {}

    @Override
    public PageRun pages(long offset, long length, boolean write) {
        throw new AssertionError("/dev/zero has no pages");
    }

    @Override
    public void addMapping(MemoryManager mm, long address, long offset, long length) {}

    @Override
    public void removeMapping(MemoryManager mm, long address, long offset, long length) {}

    @Override
    public Record save(SaveContext context) {
        throw new AssertionError("/dev/zero is not saved as a mapping");
    }
}
