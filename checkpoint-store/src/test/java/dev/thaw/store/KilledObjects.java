package dev.thaw.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** An object store whose user dies before change {@code last}, and makes none after. */
final class KilledObjects implements ObjectStore {
    /** The end of the user. */
    static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    private final ObjectStore objects;
    private final int last;
    private final AtomicInteger steps = new AtomicInteger();

    KilledObjects(ObjectStore objects, int last) {
        this.objects = objects;
        this.last = last;
    }

    private void step() {
        if (steps.incrementAndGet() >= last) {
            throw new Killed();
        }
    }

    @Override
    public void put(String key, byte[] bytes) throws IOException {
        step();
        objects.put(key, bytes);
    }

    @Override
    public void put(String key, Path file) throws IOException {
        step();
        objects.put(key, file);
    }

    @Override
    public byte[] get(String key, int limit) throws IOException {
        return objects.get(key, limit);
    }

    @Override
    public void read(String key, long position, ByteBuffer target) throws IOException {
        objects.read(key, position, target);
    }

    @Override
    public @Nullable Stat stat(String key) throws IOException {
        return objects.stat(key);
    }

    @Override
    public List<Stat> list(String prefix) throws IOException {
        return objects.list(prefix);
    }

    @Override
    public void delete(String key) throws IOException {
        step();
        objects.delete(key);
    }

    @Override
    public void abandonUploads(Instant time) throws IOException {
        step();
        objects.abandonUploads(time);
    }

    @Override
    public String describe(String key) {
        return objects.describe(key);
    }

    @Override
    public void close() {
        objects.close();
    }
}
