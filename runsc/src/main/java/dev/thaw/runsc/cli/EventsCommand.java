package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.container.StateJson;
import dev.thaw.runsc.control.ControlClient.Stats;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc events}. */
@Command(name = "events", description = "print what a container uses, as JSON lines")
final class EventsCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(names = "--stats", description = "once")
    boolean once;

    @Option(
            names = "--interval",
            paramLabel = "SECONDS",
            description = "how often (default: 5)",
            defaultValue = "5")
    String interval = "5";

    @Parameters(paramLabel = "ID")
    String id = "";

    EventsCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        String digits =
                interval.endsWith("s") ? interval.substring(0, interval.length() - 1) : interval;
        if (digits.isEmpty()
                || digits.length() > 6
                || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw SandboxException.invalid("invalid interval \"" + interval + "\"");
        }
        while (true) {
            Stats stats = runsc.sandboxes().get(id).stats();
            System.out.printf(
                    "{\"type\":\"stats\",\"id\":%s,\"data\":{\"cpu\":{\"usage\":{\"total\":%d}},\"memory\":{\"usage\":{\"usage\":%d,\"limit\":%d}},\"pids\":{\"current\":%d,\"limit\":%d}}}%n",
                    StateJson.quote(id),
                    stats.cpuNanos(),
                    stats.memory(),
                    Math.max(0, stats.memoryLimit()),
                    stats.processes(),
                    Math.max(0, stats.processesLimit()));
            if (once) {
                return 0;
            }
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(Integer.parseInt(digits)));
        }
    }
}
