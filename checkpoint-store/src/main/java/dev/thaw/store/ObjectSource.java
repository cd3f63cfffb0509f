package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ByteSource;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;

/** An object read by ranges, each a good deal longer than what was asked for, since a round trip costs as much as some megabytes. For one thread. */
final class ObjectSource implements ByteSource {
    private static final int AHEAD = 4 << 20;

    private final ObjectStore objects;
    private final String key;
    private final long size;
    private ByteBuffer buffer = ByteBuffer.allocate(0);
    private long bufferPosition;

    ObjectSource(ObjectStore objects, String key) throws IOException {
        ObjectStore.Stat stat = objects.stat(key);
        if (stat == null) {
            throw new NoSuchFileException(objects.describe(key));
        }
        this.objects = objects;
        this.key = key;
        this.size = stat.size();
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void read(MemorySegment target, long position) throws IOException {
        long end = position + target.byteSize();
        if (position < 0 || end > size) {
            throw new ImageException(objects.describe(key) + " is cut short");
        }
        if (position < bufferPosition || end > bufferPosition + buffer.capacity()) {
            long length = Math.min(size - position, Math.max(AHEAD, target.byteSize()));
            ByteBuffer next = ByteBuffer.allocate(Math.toIntExact(length));
            objects.read(key, position, next);
            buffer = next;
            bufferPosition = position;
        }
        target.copyFrom(
                MemorySegment.ofBuffer(buffer.clear())
                        .asSlice(position - bufferPosition, target.byteSize()));
    }
}
