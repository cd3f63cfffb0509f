package dev.thaw.store.s3;

import dev.thaw.state.image.ContentHash;
import dev.thaw.store.ImageStore;
import dev.thaw.store.RemoteImageStore;
import dev.thaw.store.StoreProvider;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens {@code s3://} stores. */
public final class S3Provider implements StoreProvider {
    @Override
    public String scheme() {
        return "s3";
    }

    @Override
    public ImageStore open(String url) throws IOException {
        S3Location location = S3Location.parse(url);
        Path cache = location.cache() == null ? defaultCache() : location.cache();
        String place = location.endpoint() + " " + location.bucket() + " " + location.prefix();
        String name =
                ContentHash.of(place.getBytes(StandardCharsets.UTF_8)).toString().substring(0, 16);
        S3Objects objects = new S3Objects(location);
        return new RemoteImageStore(
                objects, new RemoteImageStore.Options(cache.resolve(name), location.cacheBytes()));
    }

    /** A directory of this machine for the administrator, one of their own for everybody else. */
    private static Path defaultCache() {
        Path common = Path.of("/var/cache");
        if (Files.isWritable(common)) {
            return common.resolve("thaw");
        }
        String own = System.getenv("XDG_CACHE_HOME");
        return own != null && own.startsWith("/")
                ? Path.of(own, "thaw")
                : Path.of(System.getProperty("user.home"), ".cache", "thaw");
    }
}
