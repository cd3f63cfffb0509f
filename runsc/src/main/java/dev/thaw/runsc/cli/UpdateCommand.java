package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Unmatched;

/** {@code runsc update}: refused with a reason; the limits of a running sandbox can not be changed yet. */
@Command(name = "update", description = "not supported: limits are set at create")
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
        throw SandboxException.invalid("update is not supported: limits are set at create");
    }
}
