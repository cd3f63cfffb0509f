package dev.thaw.sentry.checkpoint;

import dev.thaw.host.HostAesGcm;
import dev.thaw.host.HostSha256;
import dev.thaw.state.crypt.Aead;
import dev.thaw.state.crypt.Primitives;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.Hasher;

/** Hashes and ciphers by the processor's own instructions where it has them, else the JDK's. */
public final class HostPrimitives {
    private static final Primitives ALL =
            new Primitives(
                    HostPrimitives::hasher, HostAesGcm.usable() ? new HostAead() : Aead.ofJdk());

    public static Primitives get() {
        return ALL;
    }

    private static Hasher hasher() {
        return HostSha256.usable()
                ? (bytes, length) -> ContentHash.wrap(HostSha256.hash(bytes, length))
                : Hasher.ofJdk();
    }

    private static final class HostAead implements Aead {
        @Override
        public void seal(
                byte[] key, byte[] nonce, byte[] data, byte[] in, int length, byte[] out, int at) {
            HostAesGcm.seal(key, nonce, data, in, length, out, at);
        }

        @Override
        public boolean open(
                byte[] key, byte[] nonce, byte[] data, byte[] in, int at, int length, byte[] out) {
            return HostAesGcm.open(key, nonce, data, in, at, length, out);
        }
    }

    private HostPrimitives() {}
}
