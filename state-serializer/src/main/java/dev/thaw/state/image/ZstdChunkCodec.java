package dev.thaw.state.image;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import dev.thaw.state.ImageException;
import org.jspecify.annotations.Nullable;

/** Chunks in clear: one zstd frame each, addressed by their SHA-256. */
public final class ZstdChunkCodec implements ChunkCodec {
    private final Hasher hasher;
    private @Nullable ZstdCompressCtx compress;
    private @Nullable ZstdDecompressCtx decompress;

    public ZstdChunkCodec(Hasher hasher) {
        this.hasher = hasher;
    }

    @Override
    public ContentHash address(byte[] raw, int length) {
        return hasher.hash(raw, length);
    }

    @Override
    public int encode(ContentHash address, byte[] raw, int length, byte[] stored) {
        return compress(raw, length, stored);
    }

    /** Compresses without more; returns the length. */
    public int compress(byte[] raw, int length, byte[] stored) {
        ZstdCompressCtx zstd = compress;
        if (zstd == null) {
            zstd = new ZstdCompressCtx();
            zstd.setLevel(Zstds.LEVEL);
            compress = zstd;
        }
        return zstd.compressByteArray(stored, 0, stored.length, raw, 0, length);
    }

    @Override
    public void decode(
            ContentHash address, byte[] stored, int storedLength, byte[] raw, int length) {
        decompress(address, stored, storedLength, raw, length);
        if (!hasher.hash(raw, length).equals(address)) {
            throw new ImageException("chunk " + address + " is damaged: its hash differs");
        }
    }

    /** The inverse of {@link #compress}, for a chunk of this address that must have {@code length} bytes; does not look at its hash. */
    public void decompress(
            ContentHash address, byte[] stored, int storedLength, byte[] raw, int length) {
        ZstdDecompressCtx zstd = decompress;
        if (zstd == null) {
            zstd = new ZstdDecompressCtx();
            decompress = zstd;
        }
        int got;
        try {
            got = zstd.decompressByteArray(raw, 0, raw.length, stored, 0, storedLength);
        } catch (ZstdException e) {
            throw new ImageException("chunk " + address + " is damaged: " + e.getMessage(), e);
        }
        if (got != length) {
            throw new ImageException(
                    "chunk " + address + " is damaged: it has " + got + " bytes, not " + length);
        }
    }

    @Override
    public void close() {
        if (compress != null) {
            compress.close();
        }
        if (decompress != null) {
            decompress.close();
        }
    }

    static {
        assert Zstd.compressBound(ImageFormat.CHUNK) + ChunkCodec.MAX_OVERHEAD
                <= ImageFormat.MAX_STORED;
    }
}
