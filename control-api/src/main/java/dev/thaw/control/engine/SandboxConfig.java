package dev.thaw.control.engine;

import java.util.List;
import java.util.Map;

/**
 * What a sandbox is made of.
 *
 * @param root a directory of the host, shown read-only below a writable overlay; {@code "/"} shows the host's own
 * @param memoryBytes the most memory of the guest, 0 for no limit
 * @param pids the most tasks of the guest, 0 for no limit
 */
public record SandboxConfig(
        List<String> command,
        Map<String, String> env,
        String cwd,
        String root,
        long memoryBytes,
        long pids,
        String platform) {}
