package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code runsc start}. */
@Command(name = "start", description = "run the program of a created container")
final class StartCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Parameters(paramLabel = "ID")
    String id = "";

    StartCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        runsc.sandboxes().get(id).start();
        return 0;
    }
}
