package dev.thaw.store;

import dev.thaw.state.image.ContentHash;
import java.nio.file.Path;
import java.security.PrivateKey;

/** Signs images with an Ed25519 key. */
public final class ImageSigner {
    private final PrivateKey key;

    private ImageSigner(PrivateKey key) {
        this.key = key;
    }

    /** The signer with the private key in {@code file} (PEM, PKCS #8). */
    public static ImageSigner read(Path file) {
        return new ImageSigner(Signing.privateKey(file));
    }

    byte[] sign(ContentHash root) {
        return Signing.sign(key, root);
    }
}
