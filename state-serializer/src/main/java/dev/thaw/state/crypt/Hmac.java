package dev.thaw.state.crypt;

import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.Hasher;
import java.util.Arrays;

/** HMAC-SHA-256 (RFC 2104) over any SHA-256: the JDK's own costs 40 ms at its first use. */
final class Hmac {
    private static final int BLOCK = 64;

    /** The code of {@code message} under a key of at most 64 bytes. */
    static byte[] of(Hasher hasher, byte[] key, byte[] message) {
        byte[] inner = Arrays.copyOf(key, BLOCK + message.length);
        byte[] outer = Arrays.copyOf(key, BLOCK + ContentHash.BYTES);
        for (int i = 0; i < BLOCK; i++) {
            inner[i] ^= 0x36;
            outer[i] ^= 0x5c;
        }
        System.arraycopy(message, 0, inner, BLOCK, message.length);
        byte[] hash = hasher.hash(inner, inner.length).toBytes();
        System.arraycopy(hash, 0, outer, BLOCK, hash.length);
        byte[] result = hasher.hash(outer, outer.length).toBytes();
        Arrays.fill(inner, (byte) 0);
        Arrays.fill(outer, (byte) 0);
        return result;
    }

    private Hmac() {}
}
