package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Unmatched;

/** {@code runsc update}: accepted, since engines call it; the limits of a running sandbox stay. */
@Command(name = "update", description = "accepted for engines; limits are set at create")
final class UpdateCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"-r", "--resources"},
            paramLabel = "FILE",
            description = "a file with resources, - for stdin")
    @Nullable String resources;

    @Unmatched String @Nullable [] others;

    @Parameters(paramLabel = "ID")
    String id = "";

    UpdateCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        runsc.sandboxes().get(id);
        return 0;
    }
}
