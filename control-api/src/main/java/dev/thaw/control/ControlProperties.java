package dev.thaw.control;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * {@code thaw.control.*}.
 *
 * @param stateDirectory where sandboxes' run-time state and logs lie; owned by one server at a time
 * @param checkpointDirectory where images lie, unless {@code store} says otherwise, and what is known of them
 * @param store where images lie: a directory, or {@code s3://BUCKET/PREFIX}
 * @param imageKeyFile keys of encrypted images, as {@code runsc --key-file} takes them; new images are encrypted with the first
 * @param token what clients must present as a bearer token; needed unless the server listens on loopback only
 * @param tokenFile a file that holds the token, in place of {@code token}
 * @param platform the platform of sandboxes whose request names none
 * @param logLimit how much of each output stream of a sandbox is kept
 * @param maxRequest the largest request body
 * @param maxSandboxes how many sandboxes there may be at once
 */
@ConfigurationProperties("thaw.control")
public record ControlProperties(
        @DefaultValue("/var/lib/thaw/control") Path stateDirectory,
        @DefaultValue("/var/lib/thaw/checkpoints") Path checkpointDirectory,
        @Nullable String store,
        @Nullable Path imageKeyFile,
        @Nullable String token,
        @Nullable Path tokenFile,
        @DefaultValue("systrap") String platform,
        @DefaultValue("8MB") DataSize logLimit,
        @DefaultValue("1MB") DataSize maxRequest,
        @DefaultValue("256") int maxSandboxes) {}
