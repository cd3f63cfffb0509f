package dev.thaw.state.crypt;

import dev.thaw.state.image.Hasher;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * The random key of a domain: all images that share chunks. It never leaves memory but wrapped under a named key. What encrypts is derived from it (HKDF-Expand of RFC 5869, one block), a key for
 * each use. Closing overwrites it.
 */
public final class DataKey implements AutoCloseable {
    private static final int DOMAIN_BYTES = 8;

    private final byte[] bytes;

    private DataKey(byte[] bytes) {
        if (bytes.length != Aead.KEY) {
            throw new IllegalArgumentException("a data key of " + bytes.length + " bytes");
        }
        this.bytes = bytes;
    }

    /** A new domain's. */
    public static DataKey random() {
        byte[] bytes = new byte[Aead.KEY];
        new SecureRandom().nextBytes(bytes);
        return new DataKey(bytes);
    }

    /** The key with these 32 bytes, which are taken over. */
    public static DataKey of(byte[] bytes) {
        return new DataKey(bytes);
    }

    /** The bytes, for a process that is to have them; the caller overwrites its copy. */
    public byte[] copy() {
        return bytes.clone();
    }

    /** What tells domains apart; says nothing of the key. */
    public String domain() {
        byte[] hash = derive("domain");
        return HexFormat.of().formatHex(hash, 0, DOMAIN_BYTES);
    }

    byte[] derive(String use) {
        byte[] info = ("thaw image v1 " + use + "\1").getBytes(StandardCharsets.US_ASCII);
        return Hmac.of(Hasher.ofJdk(), bytes, info);
    }

    @Override
    public void close() {
        Arrays.fill(bytes, (byte) 0);
    }

    @Override
    public String toString() {
        return "DataKey"; // and not a byte of it
    }
}
