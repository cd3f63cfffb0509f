package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.container.StateJson;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code runsc state}. */
@Command(name = "state", description = "print the state of a container as JSON")
final class StateCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Parameters(paramLabel = "ID")
    String id = "";

    StateCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        System.out.print(StateJson.ociState(runsc.sandboxes().get(id).state()));
        return 0;
    }
}
