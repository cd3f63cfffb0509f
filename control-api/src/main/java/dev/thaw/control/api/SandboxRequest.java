package dev.thaw.control.api;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Body of {@code POST /v1/sandboxes}. */
@Schema(description = "A program to run in a new sandbox.")
public record SandboxRequest(
        @Schema(
                        description = "The program and its arguments",
                        example = "[\"/usr/bin/python3\", \"-c\", \"print(1)\"]")
                @NotEmpty
                @Size(max = 4096)
                List<
                                @NotNull
                                @Pattern(regexp = NO_NUL, message = "must not hold a zero byte")
                                String>
                        command,
        @Schema(
                        description =
                                "Environment variables; PATH and HOME are set when they are not given")
                @Nullable
                @Size(max = 1024)
                Map<
                                @Pattern(
                                        regexp = "[^=\\x00]+",
                                        message = "must be a name without '='")
                                String,
                                @NotNull @Pattern(regexp = NO_NUL) String>
                        env,
        @Schema(description = "Working directory", defaultValue = "/")
                @Nullable
                @Pattern(regexp = "/[^\\x00]*", message = "must be an absolute path")
                String cwd,
        @Schema(
                        description =
                                "\"host\" for a read-only view of this machine's root, or the absolute path of a directory; a writable overlay lies on top",
                        defaultValue = "host")
                @Nullable
                @Pattern(
                        regexp = "host|/[^\\x00]*",
                        message = "must be \"host\" or an absolute path")
                String root,
        @Valid @Nullable Limits limits,
        @Schema(description = "How guest code runs")
                @Nullable
                @Pattern(regexp = "systrap|ptrace", message = "must be systrap or ptrace")
                String platform,
        @Nullable @Size(max = 64)
                Map<
                                @Pattern(regexp = LABEL, message = "must be a label") String,
                                @NotNull @Size(max = 256) String>
                        labels,
        @Schema(description = "A name for people; need not be unique")
                @Nullable
                @Pattern(regexp = NAME, message = NAME_MESSAGE)
                String name) {
    static final String NO_NUL = "(?s)[^\\x00]*";
    static final String LABEL = "[A-Za-z0-9][A-Za-z0-9._/-]{0,62}";
    static final String NAME = "[A-Za-z0-9][A-Za-z0-9_.-]{0,62}";
    static final String NAME_MESSAGE = "must be 1 to 63 letters, digits, '_', '.' or '-'";

    /** What the guest may use at most. */
    public record Limits(
            @Schema(description = "Memory in bytes") @Nullable @Min(1 << 20) Long memoryBytes,
            @Schema(description = "Tasks") @Nullable @Min(1) Long pids) {}
}
