package dev.thaw.control.api;

import dev.thaw.control.sandbox.CheckpointView;
import dev.thaw.control.sandbox.SandboxService;
import dev.thaw.control.sandbox.SandboxView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/checkpoints}. */
@RestController
@RequestMapping("/v1/checkpoints")
@Tag(name = "checkpoints")
class CheckpointController {
    private final SandboxService service;

    CheckpointController(SandboxService service) {
        this.service = service;
    }

    @Operation(summary = "All checkpoints, the oldest first")
    @GetMapping
    ItemList<CheckpointView> list() {
        return new ItemList<>(service.checkpoints());
    }

    @Operation(summary = "One checkpoint")
    @GetMapping("/{id}")
    CheckpointView get(@PathVariable String id) {
        return service.checkpointView(id);
    }

    @Operation(summary = "Remove a checkpoint; sandboxes restored from it live on")
    @DeleteMapping("/{id}")
    ResponseEntity<Void> delete(@PathVariable String id) {
        service.deleteCheckpoint(id);
        return ResponseEntity.noContent().build();
    }

    @Operation(
            summary =
                    "Make a sandbox that goes on where the checkpoint stands; any number of times")
    @PostMapping("/{id}/restore")
    ResponseEntity<SandboxView> restore(
            @PathVariable String id,
            @Valid @RequestBody(required = false) @Nullable RestoreRequest body) {
        RestoreRequest request = body == null ? RestoreRequest.NONE : body;
        SandboxView view = service.restore(id, request.name(), request.labels());
        return ResponseEntity.created(URI.create("/v1/sandboxes/" + view.id())).body(view);
    }
}
