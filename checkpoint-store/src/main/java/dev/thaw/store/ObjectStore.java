package dev.thaw.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A flat space of named objects, as S3 is one: an object is put whole or not at all, whoever asks afterwards sees it, and nothing is ever changed in part. Each method
 * tries again by itself what may pass. Safe for many threads.
 */
public interface ObjectStore extends AutoCloseable {
    /** An object, without its bytes. {@code modified} is by the store's own clock; {@code tag} is another when the bytes are others. */
    record Stat(String key, long size, Instant modified, String tag) {}

    void put(String key, byte[] bytes) throws IOException;

    /** Puts a file of any size. */
    void put(String key, Path file) throws IOException;

    /** All bytes; {@link java.nio.file.NoSuchFileException} when there is no such object, {@link IOException} when it has more than {@code limit}. */
    byte[] get(String key, int limit) throws IOException;

    /** Fills {@code target} from {@code position} on. {@link java.nio.file.NoSuchFileException} when there is no such object. */
    void read(String key, long position, ByteBuffer target) throws IOException;

    /** Null when there is no such object. */
    @Nullable Stat stat(String key) throws IOException;

    /** All objects whose key begins so, in order of key. */
    List<Stat> list(String prefix) throws IOException;

    /** Removes an object if it is there. */
    void delete(String key) throws IOException;

    /** Gives up uploads that were begun before {@code time} and never finished. */
    void abandonUploads(Instant time) throws IOException;

    /** What a person calls the object. */
    String describe(String key);

    @Override
    void close();
}
