package dev.thaw.store.s3;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME&path-style=true&cache=DIR&cache-size=BYTES]}. Credentials are never part of it.
 *
 * @param prefix empty, or ends with a slash
 * @param endpoint another server than Amazon's
 * @param pathStyle whether the bucket is named in the path, not in the host; the default with an endpoint
 */
public record S3Location(
        String bucket,
        String prefix,
        @Nullable URI endpoint,
        @Nullable String region,
        boolean pathStyle,
        @Nullable Path cache,
        long cacheBytes) {
    private static final long CACHE_BYTES = 10L << 30;
    private static final Set<String> KNOWN =
            Set.of("endpoint", "region", "path-style", "cache", "cache-size");

    /** Throws {@link IllegalArgumentException} with what is wrong. */
    public static S3Location parse(String url) {
        URI uri = URI.create(url);
        String bucket = uri.getAuthority();
        if (!"s3".equals(uri.getScheme())
                || bucket == null
                || !bucket.matches("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")) {
            throw new IllegalArgumentException(url + " is no s3://BUCKET/PREFIX");
        }
        Map<String, String> options = new HashMap<>();
        String query = uri.getRawQuery() == null ? "" : uri.getRawQuery();
        for (String part : query.isEmpty() ? new String[0] : query.split("&")) {
            int equals = part.indexOf('=');
            String name = equals < 0 ? part : part.substring(0, equals);
            if (!KNOWN.contains(name)) {
                throw new IllegalArgumentException(url + " has an unknown option " + name);
            }
            String value = equals < 0 ? "" : part.substring(equals + 1);
            options.put(name, URLDecoder.decode(value, StandardCharsets.UTF_8));
        }
        String path = uri.getPath() == null ? "" : uri.getPath().replaceAll("^/+|/+$", "");
        String endpoint = options.get("endpoint");
        String pathStyle = options.getOrDefault("path-style", String.valueOf(endpoint != null));
        String cache = options.get("cache");
        return new S3Location(
                bucket,
                path.isEmpty() ? "" : path + "/",
                endpoint == null ? null : URI.create(endpoint),
                options.get("region"),
                Boolean.parseBoolean(pathStyle),
                cache == null ? null : Path.of(cache),
                bytes(options.get("cache-size")));
    }

    private static long bytes(@Nullable String text) {
        if (text == null) {
            return CACHE_BYTES;
        }
        if (!text.matches("[0-9]{1,15}[kKmMgGtT]?")) {
            throw new IllegalArgumentException("cache-size " + text + " is no size");
        }
        char unit = Character.toLowerCase(text.charAt(text.length() - 1));
        int shift = "kmgt".indexOf(unit) + 1;
        long number = Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 1));
        return Math.multiplyExact(number, 1L << 10 * shift);
    }
}
