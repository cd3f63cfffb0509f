package dev.thaw.state.crypt;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ChunkCodec;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.Hasher;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageFormat;
import dev.thaw.state.image.ZstdChunkCodec;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * An image under a data key. All that is encrypted has one form:
 *
 * <pre>byte nonce[12] | AES-256-GCM of the bytes | byte tag[16]</pre>
 *
 * <p>The nonce is made of the bytes that it encrypts (HMAC-SHA-256 of their hash and their context), as in RFC 5297 and 8452: equal bytes come out equal, and no two different ones ever share a
 * nonce, also when two releases of zstd compress one chunk to different bytes. A chunk's context is its address: the HMAC of its raw bytes' SHA-256 under a key of its own.
 */
final class SealedImageCodec implements ImageCodec {
    private static final int OVERHEAD = Aead.NONCE + Aead.TAG;
    private static final byte[] SECTION = {'s', 'e', 'c', 't', 'i', 'o', 'n', 0};

    private final Supplier<Hasher> hashers;
    private final Aead aead;
    private final byte[] addressKey;
    private final byte[] nonceKey;
    private final byte[] chunkKey;
    private final byte[] sectionKey;

    SealedImageCodec(DataKey key, Supplier<Hasher> hashers, Aead aead) {
        this.hashers = hashers;
        this.aead = aead;
        this.addressKey = key.derive("address");
        this.nonceKey = key.derive("nonce");
        this.chunkKey = key.derive("chunk");
        this.sectionKey = key.derive("section");
    }

    @Override
    public boolean encrypts() {
        return true;
    }

    @Override
    public byte[] seal(int number, byte[] section) {
        byte[] out = new byte[section.length + OVERHEAD];
        seal(hashers.get(), sectionKey, context(number), section, section.length, out);
        return out;
    }

    @Override
    public byte[] open(int number, byte[] stored) {
        byte[] out = new byte[Math.max(0, stored.length - OVERHEAD)];
        if (!open(sectionKey, context(number), stored, stored.length, out)) {
            throw new ImageException(
                    "can not be decrypted: section "
                            + number
                            + " is damaged, or of another key domain");
        }
        return out;
    }

    private static byte[] context(int number) {
        byte[] context = SECTION.clone();
        context[context.length - 1] = (byte) number;
        return context;
    }

    private void seal(
            Hasher hasher, byte[] key, byte[] context, byte[] in, int length, byte[] out) {
        byte[] unique = Arrays.copyOf(context, context.length + ContentHash.BYTES);
        System.arraycopy(
                hasher.hash(in, length).toBytes(), 0, unique, context.length, ContentHash.BYTES);
        byte[] nonce = Arrays.copyOf(Hmac.of(hasher, nonceKey, unique), Aead.NONCE);
        System.arraycopy(nonce, 0, out, 0, Aead.NONCE);
        aead.seal(key, nonce, context, in, length, out, Aead.NONCE);
    }

    private boolean open(byte[] key, byte[] context, byte[] stored, int length, byte[] out) {
        return length >= OVERHEAD
                && aead.open(
                        key,
                        Arrays.copyOf(stored, Aead.NONCE),
                        context,
                        stored,
                        Aead.NONCE,
                        length - Aead.NONCE,
                        out);
    }

    @Override
    public ChunkCodec chunks() {
        return new Chunks(hashers.get());
    }

    private final class Chunks implements ChunkCodec {
        private final Hasher hasher;
        private final ZstdChunkCodec zstd;
        private final byte[] compressed = new byte[ImageFormat.MAX_STORED];

        Chunks(Hasher hasher) {
            this.hasher = hasher;
            this.zstd = new ZstdChunkCodec(hasher);
        }

        @Override
        public ContentHash address(byte[] raw, int length) {
            return ContentHash.wrap(
                    Hmac.of(hasher, addressKey, hasher.hash(raw, length).toBytes()));
        }

        @Override
        public int encode(ContentHash address, byte[] raw, int length, byte[] stored) {
            int size = zstd.compress(raw, length, compressed);
            seal(hasher, chunkKey, address.toBytes(), compressed, size, stored);
            return size + OVERHEAD;
        }

        @Override
        public void decode(
                ContentHash address, byte[] stored, int storedLength, byte[] raw, int length) {
            if (!open(chunkKey, address.toBytes(), stored, storedLength, compressed)) {
                throw new ImageException(
                        "chunk "
                                + address
                                + " can not be decrypted: it is damaged, or of another key domain");
            }
            zstd.decompress(address, compressed, storedLength - OVERHEAD, raw, length);
            if (!address(raw, length).equals(address)) {
                throw new ImageException("chunk " + address + " is damaged: its hash differs");
            }
        }

        @Override
        public void close() {
            zstd.close();
        }
    }
}
