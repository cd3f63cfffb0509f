package dev.thaw.sentry.kernel;

import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.MountNamespace;
import java.util.List;
import java.util.Map;

/**
 * A process that comes from outside (the container's first, or {@code exec}). {@code rlimits} maps RLIMIT_x to {soft, hard}; strings hold raw bytes as ISO-8859-1.
 */
public record ProcessSpec(
        List<String> argv,
        List<String> env,
        String cwd,
        Credentials credentials,
        Map<Integer, long[]> rlimits,
        MountNamespace mounts,
        FdTable fds) {}
