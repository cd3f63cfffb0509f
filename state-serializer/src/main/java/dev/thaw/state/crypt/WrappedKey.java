package dev.thaw.state.crypt;

import dev.thaw.state.ImageException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * A data key as a manifest holds it: encrypted with AES-256-GCM under the key named {@code keyId}.
 *
 * <pre>wrapped: byte nonce[12] | byte key[32] encrypted | byte tag[16]; additional data: "thaw data key 1 " domain " " keyId</pre>
 */
public record WrappedKey(String keyId, String domain, byte[] wrapped) {
    public static final int BYTES = Aead.NONCE + Aead.KEY + Aead.TAG;

    /** What a key may be called. */
    public static final String ID = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

    /** Wraps {@code key} under the named key. */
    public static WrappedKey wrap(String keyId, byte[] namedKey, DataKey key, Aead aead) {
        byte[] nonce = new byte[Aead.NONCE];
        new SecureRandom().nextBytes(nonce);
        byte[] wrapped = Arrays.copyOf(nonce, BYTES);
        byte[] raw = key.copy();
        aead.seal(
                namedKey,
                nonce,
                context(keyId, key.domain()),
                raw,
                raw.length,
                wrapped,
                Aead.NONCE);
        Arrays.fill(raw, (byte) 0);
        return new WrappedKey(keyId, key.domain(), wrapped);
    }

    /** The data key; an {@link ImageException} when {@code namedKey} is not the key it was wrapped under. */
    public DataKey unwrap(byte[] namedKey, Aead aead) {
        byte[] raw = new byte[Aead.KEY];
        if (wrapped.length != BYTES
                || !aead.open(
                        namedKey,
                        Arrays.copyOf(wrapped, Aead.NONCE),
                        context(keyId, domain),
                        wrapped,
                        Aead.NONCE,
                        BYTES - Aead.NONCE,
                        raw)) {
            throw new ImageException(
                    "is encrypted with another key \"" + keyId + "\" than the one that was given");
        }
        return DataKey.of(raw);
    }

    private static byte[] context(String keyId, String domain) {
        return ("thaw data key 1 " + domain + " " + keyId).getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof WrappedKey o
                && keyId.equals(o.keyId)
                && domain.equals(o.domain)
                && Arrays.equals(wrapped, o.wrapped);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(wrapped);
    }

    @Override
    public String toString() {
        return "WrappedKey[" + keyId + ", " + domain + "]";
    }
}
