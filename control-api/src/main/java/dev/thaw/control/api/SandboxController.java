package dev.thaw.control.api;

import dev.thaw.control.ControlProperties;
import dev.thaw.control.engine.ExecConfig;
import dev.thaw.control.engine.SandboxConfig;
import dev.thaw.control.sandbox.CheckpointView;
import dev.thaw.control.sandbox.ExecResult;
import dev.thaw.control.sandbox.SandboxService;
import dev.thaw.control.sandbox.SandboxView;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/sandboxes}. */
@RestController
@RequestMapping("/v1/sandboxes")
@Tag(name = "sandboxes")
class SandboxController {
    private static final Map<String, String> ENVIRONMENT =
            Map.of(
                    "PATH",
                    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOME",
                    "/root");

    private final SandboxService service;
    private final ControlProperties properties;

    SandboxController(SandboxService service, ControlProperties properties) {
        this.service = service;
        this.properties = properties;
    }

    @Operation(summary = "Make a sandbox and start its program")
    @PostMapping
    ResponseEntity<SandboxView> create(@Valid @RequestBody SandboxRequest request) {
        SandboxRequest.Limits limits = request.limits();
        Long memory = limits == null ? null : limits.memoryBytes();
        Long pids = limits == null ? null : limits.pids();
        SandboxConfig config =
                new SandboxConfig(
                        request.command(),
                        environment(request.env()),
                        request.cwd() == null ? "/" : request.cwd(),
                        request.root() == null || request.root().equals("host")
                                ? "/"
                                : request.root(),
                        memory == null ? 0 : memory,
                        pids == null ? 0 : pids,
                        request.platform() == null ? properties.platform() : request.platform());
        SandboxView view =
                service.create(
                        config,
                        request.name(),
                        request.labels() == null ? Map.of() : request.labels());
        return ResponseEntity.created(URI.create("/v1/sandboxes/" + view.id())).body(view);
    }

    @Operation(summary = "All sandboxes of this server, the oldest first")
    @GetMapping
    ItemList<SandboxView> list() {
        return new ItemList<>(service.list());
    }

    @Operation(summary = "One sandbox")
    @GetMapping("/{id}")
    SandboxView get(@PathVariable String id) {
        return service.get(id);
    }

    @Operation(summary = "Kill a sandbox if it lives, and forget it and its output")
    @DeleteMapping("/{id}")
    ResponseEntity<Void> delete(@PathVariable String id) {
        service.delete(id);
        return ResponseEntity.noContent().build();
    }

    @Operation(summary = "Stop all tasks of a running sandbox")
    @PostMapping("/{id}/pause")
    SandboxView pause(@PathVariable String id) {
        return service.pause(id);
    }

    @Operation(summary = "Let a paused sandbox go on")
    @PostMapping("/{id}/resume")
    SandboxView resume(@PathVariable String id) {
        return service.resume(id);
    }

    @Operation(
            summary = "Write an image of a sandbox, which ends by it unless leaveRunning is true")
    @PostMapping("/{id}/checkpoint")
    ResponseEntity<CheckpointView> checkpoint(
            @PathVariable String id,
            @Valid @RequestBody(required = false) @Nullable CheckpointRequest body) {
        CheckpointRequest request = body == null ? CheckpointRequest.NONE : body;
        CheckpointView view =
                service.checkpoint(
                        id,
                        Boolean.TRUE.equals(request.leaveRunning()),
                        request.name(),
                        request.labels() == null ? Map.of() : request.labels());
        return ResponseEntity.created(URI.create("/v1/checkpoints/" + view.id())).body(view);
    }

    @Operation(summary = "Run a program in a running sandbox and wait for its end")
    @PostMapping("/{id}/exec")
    ExecResult exec(@PathVariable String id, @Valid @RequestBody ExecRequest request)
            throws InterruptedException {
        int timeout = request.timeoutSeconds() == null ? 60 : request.timeoutSeconds();
        ExecConfig config =
                new ExecConfig(
                        request.command(),
                        environment(request.env()),
                        request.cwd() == null ? "/" : request.cwd());
        return service.exec(id, config, Duration.ofSeconds(timeout));
    }

    @Operation(
            summary =
                    "What the program wrote (or, stream=runtime, the sandbox itself): bytes from an offset of one stream on. Headers Thaw-Log-Offset, Thaw-Log-Next, Thaw-Log-Ended say where to go on")
    @GetMapping(
            value = "/{id}/logs",
            produces = {
                MediaType.TEXT_PLAIN_VALUE,
                MediaType.APPLICATION_OCTET_STREAM_VALUE,
                MediaType.ALL_VALUE
            })
    ResponseEntity<byte[]> logs(
            @PathVariable String id,
            @RequestParam(defaultValue = "stdout")
                    @Pattern(
                            regexp = "stdout|stderr|runtime",
                            message = "must be stdout, stderr or runtime")
                    String stream,
            @RequestParam(defaultValue = "0") long offset,
            @RequestParam(defaultValue = "1048576") @Min(1) @Max(8 << 20) int limit,
            @RequestParam(defaultValue = "0") @Min(0) @Max(60) int waitSeconds)
            throws InterruptedException {
        SandboxService.LogPart part =
                service.logs(id, stream, offset, limit, Duration.ofSeconds(waitSeconds));
        return ResponseEntity.ok()
                .contentType(MediaType.parseMediaType("text/plain;charset=UTF-8"))
                .header("Thaw-Log-Offset", Long.toString(part.offset()))
                .header("Thaw-Log-Next", Long.toString(part.next()))
                .header("Thaw-Log-Ended", Boolean.toString(part.ended()))
                .header("X-Content-Type-Options", "nosniff")
                .body(part.bytes());
    }

    private static Map<String, String> environment(@Nullable Map<String, String> given) {
        LinkedHashMap<String, String> environment = new LinkedHashMap<>(ENVIRONMENT);
        if (given != null) {
            environment.putAll(given);
        }
        return environment;
    }
}
