package dev.thaw.state.image;

import java.security.MessageDigest;

/** Hashes chunks; for one thread at a time. */
@FunctionalInterface
public interface Hasher {
    /** The hash of the first {@code length} bytes. */
    ContentHash hash(byte[] bytes, int length);

    /** The JDK's. */
    static Hasher ofJdk() {
        MessageDigest digest = ContentHash.digest();
        return (bytes, length) -> {
            digest.update(bytes, 0, length);
            return ContentHash.wrap(digest.digest());
        };
    }
}
