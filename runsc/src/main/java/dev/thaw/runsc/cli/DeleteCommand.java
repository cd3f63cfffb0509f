package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc delete}. */
@Command(name = "delete", description = "remove what is kept of a container")
final class DeleteCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"-f", "--force", "-force"},
            description = "kill it first if it runs; no error if there is none")
    boolean force;

    @Parameters(paramLabel = "ID")
    String id = "";

    DeleteCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        try {
            runsc.sandboxes().get(id).delete(force);
        } catch (SandboxException e) {
            if (!force || e.kind() != SandboxException.Kind.NOT_FOUND) {
                throw e;
            }
            runsc.sandboxes()
                    .options()
                    .root()
                    .remove(id); // a directory without a state: its maker was killed
        }
        return 0;
    }
}
