package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code runsc pause}. */
@Command(name = "pause", description = "stop all tasks of a container")
final class PauseCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Parameters(paramLabel = "ID")
    String id = "";

    PauseCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        runsc.sandboxes().get(id).pause();
        return 0;
    }
}
