package dev.thaw.control.sandbox;

import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.function.ToDoubleFunction;
import org.springframework.stereotype.Component;

/** What Prometheus is told. */
@Component
public class SandboxMetrics {
    private final MeterRegistry meters;

    public SandboxMetrics(MeterRegistry meters) {
        this.meters = meters;
        for (String operation :
                new String[] {"start", "checkpoint", "restore"}) { // there from the first scrape on
            timer(operation, "success");
            timer(operation, "error");
        }
        bytes("raw");
        bytes("stored");
    }

    /** Shows the number of sandboxes in each state. */
    void sandboxes(ToDoubleFunction<SandboxStatus> count) {
        for (SandboxStatus status : SandboxStatus.values()) {
            Gauge.builder("thaw.sandboxes", () -> count.applyAsDouble(status))
                    .tag("state", status.json())
                    .description("Sandboxes by state")
                    .register(meters);
        }
    }

    void record(String operation, boolean success, long nanos) {
        timer(operation, success ? "success" : "error").record(Duration.ofNanos(nanos));
    }

    void paused(long nanos) {
        Timer.builder("thaw.checkpoint.pause")
                .description("How long guests stood still for a checkpoint")
                .register(meters)
                .record(Duration.ofNanos(nanos));
    }

    void image(long raw, long stored) {
        bytes("raw").record(raw);
        bytes("stored").record(stored);
    }

    private Timer timer(String operation, String outcome) {
        return Timer.builder("thaw." + operation + ".duration")
                .description("Time of a " + operation + ", whole")
                .tag("outcome", outcome)
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(5))
                .maximumExpectedValue(Duration.ofSeconds(60))
                .register(meters);
    }

    private DistributionSummary bytes(String kind) {
        return DistributionSummary.builder("thaw.checkpoint.bytes")
                .baseUnit("bytes")
                .tag("kind", kind)
                .description("Size of checkpoints")
                .register(meters);
    }
}
