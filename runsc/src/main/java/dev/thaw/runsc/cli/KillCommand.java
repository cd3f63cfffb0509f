package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.oci.OciNames;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc kill}. */
@Command(name = "kill", description = "send a signal to a container's first process")
final class KillCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"-a", "--all", "-all"},
            description = "to every process of the container")
    boolean all;

    @Parameters(index = "0", paramLabel = "ID")
    String id = "";

    @Parameters(
            index = "1",
            paramLabel = "SIGNAL",
            arity = "0..1",
            defaultValue = "SIGTERM",
            description = "a number or name (default: SIGTERM)")
    String signal = "SIGTERM";

    KillCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        int number = OciNames.signal(signal);
        if (number < 0) {
            throw SandboxException.invalid("unknown signal \"" + signal + "\"");
        }
        runsc.sandboxes().get(id).kill(number, all);
        return 0;
    }
}
