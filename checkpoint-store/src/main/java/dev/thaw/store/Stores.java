package dev.thaw.store;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ServiceLoader;

/** Opens a store by its name. */
public final class Stores {
    /** The store at {@code location}: a directory, or a URL such as {@code s3://bucket/prefix}. */
    public static ImageStore open(String location) throws IOException {
        int colon = location.indexOf("://");
        if (colon < 0) {
            return new LocalImageStore(Path.of(location));
        }
        String scheme = location.substring(0, colon);
        for (StoreProvider provider : ServiceLoader.load(StoreProvider.class)) {
            if (provider.scheme().equals(scheme)) {
                try {
                    return provider.open(location);
                } catch (IllegalArgumentException e) {
                    throw new ImageException(String.valueOf(e.getMessage()), e);
                } catch (LinkageError e) {
                    throw new ImageException(
                            "stores of " + scheme + ":// need libraries that are not installed", e);
                }
            }
        }
        throw new ImageException("no store of " + scheme + ":// is known");
    }

    private Stores() {}
}
