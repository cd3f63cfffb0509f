package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code runsc wait}. */
@Command(name = "wait", description = "wait until a container ends and print its exit code")
final class WaitCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Parameters(paramLabel = "ID")
    String id = "";

    WaitCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        System.out.println(runsc.sandboxes().get(id).waitFor());
        return 0;
    }
}
