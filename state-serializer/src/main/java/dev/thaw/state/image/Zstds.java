package dev.thaw.state.image;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import dev.thaw.state.ImageException;

/** Compression as images use it. */
final class Zstds {
    static final int LEVEL = 1;

    static byte[] compress(byte[] raw) {
        return Zstd.compress(raw, LEVEL);
    }

    /** Decompresses a whole frame that must come to {@code rawLength} bytes. */
    static byte[] decompress(byte[] stored, int rawLength, String what) {
        if (stored.length == 0
                || Zstd.getFrameContentSize(stored)
                        != rawLength) { // before the memory is asked for
            throw new ImageException(what + " has another length than is claimed");
        }
        byte[] raw = new byte[rawLength];
        try {
            long length = Zstd.decompressByteArray(raw, 0, raw.length, stored, 0, stored.length);
            if (!Zstd.isError(length) && length == rawLength) {
                return raw;
            }
        } catch (ZstdException e) {
            throw new ImageException(what + " can not be decompressed: " + e.getMessage(), e);
        }
        throw new ImageException(what + " can not be decompressed");
    }

    private Zstds() {}
}
