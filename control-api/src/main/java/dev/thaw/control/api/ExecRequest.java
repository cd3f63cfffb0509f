package dev.thaw.control.api;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Body of {@code POST /v1/sandboxes/{id}/exec}. */
@Schema(
        description =
                "A program to run in a running sandbox; the response comes when it has ended.")
public record ExecRequest(
        @NotEmpty @Size(max = 4096)
                List<@NotNull @Pattern(regexp = SandboxRequest.NO_NUL) String> command,
        @Nullable @Size(max = 1024)
                Map<
                                @Pattern(regexp = "[^=\\x00]+") String,
                                @NotNull @Pattern(regexp = SandboxRequest.NO_NUL) String>
                        env,
        @Nullable @Pattern(regexp = "/[^\\x00]*", message = "must be an absolute path") String cwd,
        @Schema(description = "After this it is killed", defaultValue = "60")
                @Nullable
                @Min(1)
                @Max(3600)
                Integer timeoutSeconds) {}
