package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code runsc resume}. */
@Command(name = "resume", description = "let the tasks of a paused container go on")
final class ResumeCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Parameters(paramLabel = "ID")
    String id = "";

    ResumeCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        runsc.sandboxes().get(id).resume();
        return 0;
    }
}
