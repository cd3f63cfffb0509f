package dev.thaw.sentry.kernel;

import dev.thaw.platform.Platform;

/**
 * What a kernel is made with. {@code pidsLimit} and {@code memoryLimit} (bytes) are 0 for none.
 */
public record KernelConfig(
        Platform platform, String hostname, long pidsLimit, long memoryLimit, boolean strace) {}
