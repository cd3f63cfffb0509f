package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ContentHash;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whose images are taken: those signed with one of some Ed25519 keys. */
public final class ImageTrust {
    private final Path file;
    private final List<PublicKey> keys;

    private ImageTrust(Path file, List<PublicKey> keys) {
        this.file = file;
        this.keys = keys;
    }

    /** Trust in the public keys in {@code file} (PEM, one or more). */
    public static ImageTrust read(Path file) {
        return new ImageTrust(file, Signing.publicKeys(file));
    }

    /** Throws unless one of the keys signed {@code root}. */
    void check(String what, ContentHash root, byte @Nullable [] signature) {
        if (signature == null) {
            throw new ImageException(what + " is not signed, and " + file + " must have signed it");
        }
        for (PublicKey key : keys) {
            if (Signing.isSignedBy(key, root, signature)) {
                return;
            }
        }
        throw new ImageException(what + " is signed by nobody in " + file);
    }
}
