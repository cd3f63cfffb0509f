package dev.thaw.runsc;

import dev.thaw.sentry.checkpoint.HostPrimitives;
import dev.thaw.state.ImageException;
import dev.thaw.state.crypt.DataKey;
import dev.thaw.store.KeyRing;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The keys of images as a command or the server gets them, and as a sandbox process does. */
public final class ImageKeys {
    private ImageKeys() {}

    /** The keys of {@code file} (may be null) and of the environment. */
    public static KeyRing read(@Nullable Path file) throws SandboxException {
        try {
            return KeyRing.read(file, System.getenv(KeyRing.VARIABLE), HostPrimitives.get());
        } catch (ImageException e) {
            throw SandboxException.invalid(String.valueOf(e.getMessage()));
        }
    }

    /** The bytes of {@code key} for the control socket: none for null. To be overwritten after use. */
    static byte[] bytes(@Nullable DataKey key) {
        return key == null ? new byte[0] : key.copy();
    }
}
