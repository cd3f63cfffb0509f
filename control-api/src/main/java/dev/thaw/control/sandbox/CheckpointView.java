package dev.thaw.control.sandbox;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint as clients see it.
 *
 * @param bytes memory and state of the guest
 * @param storedBytes what the image added to the store
 * @param seconds how long it took to make
 * @param pausedSeconds how long the guest stood still for it
 */
public record CheckpointView(
        String id,
        @Nullable String name,
        String sandboxId,
        List<String> command,
        Map<String, String> labels,
        Instant createdAt,
        long bytes,
        long storedBytes,
        double seconds,
        double pausedSeconds) {}
