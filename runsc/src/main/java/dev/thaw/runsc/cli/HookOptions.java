package dev.thaw.runsc.cli;

import dev.thaw.runsc.Hook;
import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How hooks run that {@code checkpoint} and {@code restore} take. */
final class HookOptions {
    @Option(
            names = "--post-hook",
            paramLabel = "COMMAND",
            description = "run this shell command in the container when it goes on")
    @Nullable String post;

    @Option(
            names = "--hook-timeout",
            paramLabel = "SECONDS",
            description = "the longest time a hook may take (default: 10)",
            defaultValue = "10")
    double seconds = 10;

    @Option(
            names = "--hook-failure",
            paramLabel = "fail|ignore",
            description = "what a hook's failure means (default: fail)",
            defaultValue = "fail")
    String failure = "fail";

    /** Runs {@code command} if there is one. */
    void run(String name, @Nullable String command, Sandbox sandbox) throws SandboxException {
        if (!failure.equals("fail") && !failure.equals("ignore")) {
            throw SandboxException.invalid("--hook-failure is fail or ignore, not " + failure);
        }
        if (command != null) {
            Duration limit = Duration.ofMillis((long) (seconds * 1000));
            new Hook(name, command, limit, failure.equals("ignore")).run(sandbox);
        }
    }
}
