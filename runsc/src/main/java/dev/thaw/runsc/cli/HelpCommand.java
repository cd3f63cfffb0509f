package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code runsc help [COMMAND|syscalls]}. */
@Command(
        name = "help",
        description = "show help on a command, or `help syscalls`: which system calls there are")
final class HelpCommand implements Callable<Integer> {
    @Spec CommandSpec spec = CommandSpec.create();

    @Parameters(arity = "0..1", paramLabel = "COMMAND", defaultValue = "")
    String topic = "";

    HelpCommand(Runsc runsc) {
        assert runsc != null;
    }

    @Override
    public Integer call() throws SandboxException {
        CommandLine top = spec.root().commandLine();
        if (topic.isEmpty()) {
            top.usage(System.out);
        } else if (topic.equals("syscalls")) {
            System.out.print(SyscallHelp.table());
        } else if (top.getSubcommands().get(topic) instanceof CommandLine command) {
            command.usage(System.out);
        } else {
            throw SandboxException.invalid("no such command: " + topic);
        }
        return 0;
    }
}
