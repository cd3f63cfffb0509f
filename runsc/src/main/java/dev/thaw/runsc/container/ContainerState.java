package dev.thaw.runsc.container;

import java.util.Map;

/**
 * What state.json says of a container (the OCI state, and what we need besides). {@code pid} is the host process that stands for the container; {@code pidStart} its start time in
 * /proc/PID/stat, so that another process with the same number is not taken for it.
 */
public record ContainerState(
        String id,
        String status,
        int pid,
        long pidStart,
        String bundle,
        String rootfs,
        String created,
        String platform,
        String cgroupsPath,
        Map<String, String> annotations) {
    public static final String CREATING = "creating";
    public static final String CREATED = "created";
    public static final String RUNNING = "running";
    public static final String PAUSED = "paused";
    public static final String STOPPED = "stopped";

    public ContainerState withStatus(String other) {
        return new ContainerState(
                id,
                other,
                pid,
                pidStart,
                bundle,
                rootfs,
                created,
                platform,
                cgroupsPath,
                annotations);
    }

    public ContainerState withPid(int otherPid, long otherStart) {
        return new ContainerState(
                id,
                status,
                otherPid,
                otherStart,
                bundle,
                rootfs,
                created,
                platform,
                cgroupsPath,
                annotations);
    }
}
