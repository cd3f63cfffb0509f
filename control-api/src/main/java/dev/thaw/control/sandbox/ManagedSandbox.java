package dev.thaw.control.sandbox;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.control.engine.EngineSandbox;
import dev.thaw.control.engine.SandboxConfig;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A sandbox of this server. One operation at a time: a second one is told so rather than queued. */
final class ManagedSandbox {
    final String id;
    final @Nullable String name;
    final Map<String, String> labels;
    final SandboxConfig config;
    final @Nullable String restoredFrom;
    final EngineSandbox engine;
    final LogFile stdout;
    final LogFile stderr;
    final double startSeconds;
    final Instant createdAt = Instant.now();
    final CountDownLatch ended = new CountDownLatch(1);

    /** Held while an operation is under way. */
    private final ReentrantLock operation = new ReentrantLock();

    private final ReentrantLock mu = new ReentrantLock();

    @GuardedBy("mu")
    private SandboxStatus status = SandboxStatus.RUNNING;

    @GuardedBy("mu")
    private @Nullable Integer exitCode;

    @GuardedBy("mu")
    private @Nullable Instant finishedAt;

    ManagedSandbox(
            String id,
            @Nullable String name,
            Map<String, String> labels,
            SandboxConfig config,
            @Nullable String restoredFrom,
            EngineSandbox engine,
            LogFile stdout,
            LogFile stderr,
            double startSeconds) {
        this.id = id;
        this.name = name;
        this.labels = labels;
        this.config = config;
        this.restoredFrom = restoredFrom;
        this.engine = engine;
        this.stdout = stdout;
        this.stderr = stderr;
        this.startSeconds = startSeconds;
    }

    /** Begins an operation; {@link #end} ends it. */
    void begin() {
        if (!operation.tryLock()) {
            throw ApiException.conflict("sandbox " + id + " is busy with another request");
        }
    }

    void end() {
        operation.unlock();
    }

    SandboxStatus status() {
        mu.lock();
        try {
            return status;
        } finally {
            mu.unlock();
        }
    }

    /** Changes the state of a sandbox that has not stopped meanwhile. */
    void moveTo(SandboxStatus next) {
        mu.lock();
        try {
            if (status != SandboxStatus.STOPPED) {
                status = next;
            }
        } finally {
            mu.unlock();
        }
    }

    /** Its process has ended. */
    void stopped(int code) {
        mu.lock();
        try {
            status = SandboxStatus.STOPPED;
            exitCode = code;
            finishedAt = Instant.now();
        } finally {
            mu.unlock();
        }
        ended.countDown();
    }

    SandboxView view() {
        mu.lock();
        try {
            return new SandboxView(
                    id,
                    name,
                    status,
                    config.command(),
                    config.cwd(),
                    config.root().equals("/") ? "host" : config.root(),
                    config.platform(),
                    config.memoryBytes() > 0 ? config.memoryBytes() : null,
                    config.pids() > 0 ? config.pids() : null,
                    labels,
                    createdAt,
                    finishedAt,
                    exitCode,
                    restoredFrom,
                    startSeconds);
        } finally {
            mu.unlock();
        }
    }
}
