package dev.thaw.state.image;

import dev.thaw.state.ImageException;
import java.util.function.Supplier;

/** How the bytes of an image are stored: in clear, or under a key. Safe for many threads. */
public interface ImageCodec {
    /** A codec for chunks, which the caller closes. */
    ChunkCodec chunks();

    /** Whether the image's sections and chunks are encrypted. */
    boolean encrypts();

    /** The stored form of section {@code number} of the meta file. */
    byte[] seal(int number, byte[] section);

    /** The inverse of {@link #seal}; an {@link ImageException} for what this codec did not seal. */
    byte[] open(int number, byte[] stored);

    /** In clear, with hashes by {@code hashers}. */
    static ImageCodec plain(Supplier<Hasher> hashers) {
        return new ImageCodec() {
            @Override
            public ChunkCodec chunks() {
                return new ZstdChunkCodec(hashers.get());
            }

            @Override
            public boolean encrypts() {
                return false;
            }

            @Override
            public byte[] seal(int number, byte[] section) {
                return section;
            }

            @Override
            public byte[] open(int number, byte[] stored) {
                return stored;
            }
        };
    }

    /** In clear, with the JDK's hashes. */
    static ImageCodec plain() {
        return plain(Hasher::ofJdk);
    }
}
