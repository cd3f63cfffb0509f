package dev.thaw.store;

import dev.thaw.state.crypt.WrappedKey;
import dev.thaw.state.image.ContentHash;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The first thing to read of an image: what it is, what it needs, and the files it is made of. Holds no environment and no secret in clear.
 *
 * @param parent the id of the image that this one continues, with which it shares packs; null for none
 * @param encryption the data key, wrapped; null for an image in clear
 * @param spec the container's OCI configuration without its environment, as JSON
 */
public record Manifest(
        int formatVersion,
        String id,
        Instant created,
        String release,
        String arch,
        List<String> cpuFeatures,
        String kernelAbi,
        String platform,
        @Nullable String parent,
        List<Container> containers,
        String spec,
        Map<String, String> labels,
        Sizes sizes,
        Times times,
        FileRef meta,
        FileRef chunks,
        List<FileRef> packs,
        @Nullable WrappedKey encryption) {

    /** A container that is in the image. */
    public record Container(String id, String hostname) {}

    /**
     * How large: pages that are not zero and their bytes, chunks they are in, chunks and bytes that were new to the store.
     */
    public record Sizes(long pages, long rawBytes, long chunks, long newChunks, long storedBytes) {}

    /** How long: the program stood still, and the whole checkpoint. */
    public record Times(long pauseNanos, long wholeNanos) {}

    /** A file of the image. The bytes of packs are covered by the hashes of their chunks, so {@code hash} is null there. */
    public record FileRef(String name, long size, @Nullable ContentHash hash) {}
}
