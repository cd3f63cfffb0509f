package dev.thaw.state.image;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A SHA-256, which is the address of what it was made of. */
public record ContentHash(long a, long b, long c, long d) implements Comparable<ContentHash> {
    public static final int BYTES = 32;

    /** A fresh digest; cheaper to keep than to ask for. */
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    public static ContentHash of(byte[] bytes) {
        return wrap(digest().digest(bytes));
    }

    /** A hash from its 32 bytes. */
    public static ContentHash wrap(byte[] hash) {
        return read(ByteBuffer.wrap(hash));
    }

    /** The next 32 bytes, in big-endian order whatever the buffer's. */
    public static ContentHash read(ByteBuffer in) {
        byte[] bytes = new byte[BYTES];
        in.get(bytes);
        ByteBuffer big = ByteBuffer.wrap(bytes);
        return new ContentHash(big.getLong(), big.getLong(), big.getLong(), big.getLong());
    }

    /** A hash from its hexadecimal digits. */
    public static ContentHash parse(String hex) {
        if (hex.length() != 2 * BYTES) {
            throw new IllegalArgumentException("no SHA-256: " + hex.length() + " digits");
        }
        return wrap(HexFormat.of().parseHex(hex));
    }

    public byte[] toBytes() {
        return ByteBuffer.allocate(BYTES).putLong(a).putLong(b).putLong(c).putLong(d).array();
    }

    @Override
    public int compareTo(ContentHash other) {
        int order = Long.compareUnsigned(a, other.a);
        order = order != 0 ? order : Long.compareUnsigned(b, other.b);
        order = order != 0 ? order : Long.compareUnsigned(c, other.c);
        return order != 0 ? order : Long.compareUnsigned(d, other.d);
    }

    @Override
    public String toString() {
        return HexFormat.of().formatHex(toBytes());
    }
}
