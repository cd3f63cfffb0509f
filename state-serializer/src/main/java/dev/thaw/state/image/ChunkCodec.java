package dev.thaw.state.image;

/**
 * Turns a chunk's raw bytes into the bytes that are stored, and back. The address is made of the raw bytes, so that equal chunks of one kind have one address. For one thread at a time.
 */
public interface ChunkCodec extends AutoCloseable {
    /** The most bytes by which {@link #encode} may exceed what zstd makes of the chunk. */
    int MAX_OVERHEAD = 64;

    /** The address of the first {@code length} bytes. */
    ContentHash address(byte[] raw, int length);

    /** Encodes the first {@code length} bytes, whose address is given, to {@code stored} (of {@link ImageFormat#MAX_STORED} bytes); returns how many they became. */
    int encode(ContentHash address, byte[] raw, int length, byte[] stored);

    /**
     * Decodes the first {@code storedLength} bytes to {@code raw} (of {@link ImageFormat#CHUNK} bytes). Throws an {@link dev.thaw.state.ImageException} unless they come to
     * {@code length} bytes with this very address.
     */
    void decode(ContentHash address, byte[] stored, int storedLength, byte[] raw, int length);

    @Override
    void close();
}
