package dev.thaw.control.api;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Body of {@code POST /v1/checkpoints/{id}/restore}; may be left out. */
public record RestoreRequest(
        @Schema(description = "Name of the new sandbox; the checkpoint's when absent")
                @Nullable
                @Pattern(regexp = SandboxRequest.NAME, message = SandboxRequest.NAME_MESSAGE)
                String name,
        @Nullable @Size(max = 64)
                Map<
                                @Pattern(regexp = SandboxRequest.LABEL, message = "must be a label")
                                String,
                                @NotNull @Size(max = 256) String>
                        labels) {
    static final RestoreRequest NONE = new RestoreRequest(null, null);
}
