package dev.thaw.store;

import java.util.List;
import java.util.Map;

/** What the one who takes a checkpoint knows of it and the image's files do not say. {@code spec} is JSON without environment and secrets. */
public record ImageFacts(
        String release,
        String kernelAbi,
        String platform,
        List<Manifest.Container> containers,
        String spec,
        Map<String, String> labels,
        long pauseNanos) {}
