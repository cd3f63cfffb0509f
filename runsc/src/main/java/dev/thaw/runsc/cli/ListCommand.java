package dev.thaw.runsc.cli;

import dev.thaw.runsc.Sandbox;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.container.ContainerState;
import dev.thaw.runsc.container.StateJson;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code runsc list}. */
@Command(name = "list", description = "list the containers")
final class ListCommand implements Callable<Integer> {
    private final Runsc runsc;

    @Option(
            names = {"-f", "--format"},
            paramLabel = "FORMAT",
            description = "table (default) or json",
            defaultValue = "table")
    String format = "table";

    @Option(
            names = {"-q", "--quiet"},
            description = "ids only")
    boolean quiet;

    ListCommand(Runsc runsc) {
        this.runsc = runsc;
    }

    @Override
    public Integer call() throws SandboxException {
        ArrayList<ContainerState> states = new ArrayList<>();
        for (Sandbox sandbox : runsc.sandboxes().list()) {
            states.add(sandbox.state());
        }
        if (quiet) {
            for (ContainerState state : states) {
                System.out.println(state.id());
            }
        } else if (format.equals("json")) {
            ArrayList<String> items = new ArrayList<>();
            for (ContainerState state : states) {
                items.add(StateJson.ociState(state).strip());
            }
            System.out.println(items.isEmpty() ? "null" : "[" + String.join(",", items) + "]");
        } else if (format.equals("table")) {
            ArrayList<List<String>> rows = new ArrayList<>();
            rows.add(List.of("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"));
            for (ContainerState state : states) {
                int pid = state.status().equals(ContainerState.STOPPED) ? 0 : state.pid();
                rows.add(
                        List.of(
                                state.id(),
                                String.valueOf(pid),
                                state.status(),
                                state.bundle(),
                                state.created(),
                                "root"));
            }
            System.out.print(Table.format(rows));
        } else {
            throw SandboxException.invalid("invalid format option");
        }
        return 0;
    }
}
