package dev.thaw.runsc.cli;

import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.control.ControlClient.ProcessInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code runsc ps}. The guest's processes are none of the host's, so their ids are those of the container; JSON lists the one host process that stands for the container, as engines look up
 * what they get there.
 */
@Command(name = "ps", description = "list the processes of a container")
final class PsCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"-f", "--format"},
            paramLabel = "FORMAT",
            description = "table (default) or json",
            defaultValue = "table")
    String format = "table";

    @Parameters(index = "0", paramLabel = "ID")
    String id = "";

    @Parameters(index = "1..*", hidden = true)
    List<String> options = new ArrayList<>();

    PsCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        Sandbox sandbox = runsc.sandboxes().get(id);
        if (format.equals("json")) {
            System.out.println("[" + sandbox.state().pid() + "]");
            return 0;
        }
        if (!format.equals("table")) {
            throw SandboxException.invalid("invalid format option");
        }
        ArrayList<List<String>> rows = new ArrayList<>();
        rows.add(List.of("UID", "PID", "PPID", "TIME", "CMD"));
        for (ProcessInfo process : sandbox.processes()) {
            String time = process.cpuNanos() / 1_000_000 + "ms";
            rows.add(
                    List.of(
                            String.valueOf(process.uid()),
                            String.valueOf(process.pid()),
                            String.valueOf(process.ppid()),
                            time,
                            process.command()));
        }
        System.out.print(Table.format(rows));
        return 0;
    }
}
