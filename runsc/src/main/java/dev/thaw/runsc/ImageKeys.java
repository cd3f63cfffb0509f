package dev.thaw.runsc;

import dev.thaw.sentry.checkpoint.HostPrimitives;
import dev.thaw.state.ImageException;
import dev.thaw.state.crypt.DataKey;
import dev.thaw.state.crypt.Primitives;
import dev.thaw.store.KeyRing;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The keys of images as a command or the server gets them, and as a sandbox process does. */
public final class ImageKeys {
    private ImageKeys() {}

    /** The keys of {@code file} (may be null) and of the environment. */
    public static KeyRing read(@Nullable Path file) throws SandboxException {
        try {
            return KeyRing.read(file, System.getenv(KeyRing.VARIABLE), ImageKeys::primitives);
        } catch (ImageException e) {
            throw SandboxException.invalid(String.valueOf(e.getMessage()));
        }
    }

    private static Primitives primitives() {
        String home = System.getProperty("thaw.home");
        if (System.getProperty("thaw.native") == null) {
            if (home == null) {
                return Primitives.JDK;
            }
            System.setProperty("thaw.native", Path.of(home, "native").toString());
        }
        return HostPrimitives.get();
    }

    /** The bytes of {@code key} for the control socket: none for null. To be overwritten after use. */
    static byte[] bytes(@Nullable DataKey key) {
        return key == null ? new byte[0] : key.copy();
    }
}
