package dev.thaw.control.sandbox;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A sandbox as clients see it. The environment is not shown: it may hold secrets.
 *
 * @param exitCode of its program once it is stopped; 128 + n after signal n
 * @param restoredFrom the checkpoint it came from
 * @param startSeconds how long its start or restore took
 */
public record SandboxView(
        String id,
        @Nullable String name,
        SandboxStatus status,
        List<String> command,
        String cwd,
        String root,
        String platform,
        @Nullable Long memoryBytes,
        @Nullable Long pids,
        Map<String, String> labels,
        Instant createdAt,
        @Nullable Instant finishedAt,
        @Nullable Integer exitCode,
        @Nullable String restoredFrom,
        double startSeconds) {}
