package dev.thaw.runsc.cli;

import dev.thaw.runsc.RuntimeOptions;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Sandboxes;
import dev.thaw.runsc.cli.image.ImageCommand;
import dev.thaw.runsc.container.Installation;
import dev.thaw.runsc.container.StateJson;
import dev.thaw.runsc.container.StateRoot;
import dev.thaw.state.ImageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The command itself and its global options, which come before the name of a subcommand as in runc. */
@Command(
        name = "runsc",
        description = "Runs OCI containers on an application kernel, and freezes and thaws them.",
        versionProvider = Runsc.Version.class,
        sortOptions = false)
public final class Runsc {
    private static final List<Class<?>> COMMANDS =
            List.of(
                    CreateCommand.class,
                    RunCommand.class,
                    StartCommand.class,
                    StateCommand.class,
                    KillCommand.class,
                    DeleteCommand.class,
                    ListCommand.class,
                    PsCommand.class,
                    ExecCommand.class,
                    PauseCommand.class,
                    ResumeCommand.class,
                    CheckpointCommand.class,
                    RestoreCommand.class,
                    WaitCommand.class,
                    EventsCommand.class,
                    UpdateCommand.class,
                    SpecCommand.class,
                    DoCommand.class,
                    ImageCommand.class);

    @Option(
            names = "--root",
            paramLabel = "DIR",
            description =
                    "where the state of containers is kept (default: /run/thaw, or $XDG_RUNTIME_DIR/thaw)")
    @Nullable Path root;

    @Option(names = "--log", paramLabel = "FILE", description = "also write errors to this file")
    @Nullable Path log;

    @Option(
            names = "--log-format",
            paramLabel = "FORMAT",
            description = "text or json",
            defaultValue = "text")
    String logFormat = "text";

    @Option(names = "--debug", description = "let sandbox and gofer write their messages to stderr")
    boolean debug;

    @Option(
            names = "--debug-log",
            paramLabel = "FILE",
            description = "where sandbox and gofer write their messages")
    @Nullable Path debugLog;

    @Option(
            names = "--platform",
            paramLabel = "NAME",
            description = "how guest code runs: systrap (default) or ptrace",
            defaultValue = "systrap")
    String platform = "systrap";

    @Option(
            names = "--strace",
            description = "write every system call of the guest to the debug log")
    boolean strace;

    @Option(names = "--TESTONLY-unconfined", hidden = true)
    boolean unconfined;

    @Option(
            names = {"--systemd-cgroup", "--rootless", "--criu"},
            arity = "0..1",
            hidden = true,
            description = "accepted as runc does; has no effect")
    @Nullable String ignored;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    boolean help;

    @Option(
            names = {"-v", "--version"},
            versionHelp = true,
            description = "print the version")
    boolean version;

    /** Runs a command line and returns the exit code. */
    public static int execute(String... args) {
        Runsc runsc = new Runsc();
        CommandLine line = runsc.commandLine(args);
        line.setExpandAtFiles(false);
        line.setExecutionExceptionHandler(
                (exception, command, result) -> runsc.report(exception, command));
        line.setParameterExceptionHandler(
                (exception, rest) -> {
                    System.err.println("runsc: " + exception.getMessage() + " (see runsc --help)");
                    return 2;
                });
        return line.execute(args);
    }

    /** Only the subcommand that is asked for is built, since reflection over all of them costs as much as a small container. */
    private CommandLine commandLine(String[] args) {
        CommandLine line = new CommandLine(this);
        boolean found = false;
        for (String arg : args) {
            for (Class<?> type : COMMANDS) {
                Command command = type.getAnnotation(Command.class);
                if (!found && command.name().equals(arg)) {
                    add(line, type, args);
                    found = true;
                }
            }
            if (found) {
                break;
            }
        }
        if (!found) {
            for (Class<?> type : COMMANDS) {
                add(line, type, args);
            }
            line.addSubcommand("help", new HelpCommand(this));
        }
        return line;
    }

    private void add(CommandLine line, Class<?> type, String[] args) {
        if (type == ImageCommand.class) {
            line.addSubcommand(ImageCommand.build(args).setExpandAtFiles(false));
            return;
        }
        try {
            CommandLine sub =
                    new CommandLine(type.getDeclaredConstructor(Runsc.class).newInstance(this));
            sub.setExpandAtFiles(false);
            if (type == DoCommand.class || type == ExecCommand.class) {
                sub.setStopAtPositional(true);
            }
            line.addSubcommand(sub);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** The library, as the global options say. */
    Sandboxes sandboxes() throws SandboxException {
        if (!platform.equals("systrap") && !platform.equals("ptrace")) {
            throw SandboxException.invalid(
                    "unknown platform \"" + platform + "\": systrap and ptrace are supported");
        }
        Path messages = debugLog;
        if (messages == null && (debug || strace)) {
            messages = Path.of("/proc/self/fd/2");
        }
        StateRoot state = new StateRoot(root == null ? StateRoot.defaultPath() : root);
        return new Sandboxes(
                new RuntimeOptions(
                        state, Installation.current(), platform, strace, !unconfined, messages));
    }

    /** One line on stderr and in the log; the exit code. */
    private int report(Exception exception, CommandLine command) {
        String message = exception.getMessage();
        boolean told = exception instanceof SandboxException || exception instanceof ImageException;
        if (!told || message == null) {
            if (debug) {
                exception.printStackTrace(System.err);
            }
            message = "internal error: " + exception;
        }
        message = message.replace('\n', ' ');
        System.err.println("runsc: " + message);
        if (log != null) {
            String time = Instant.now().toString();
            String line =
                    logFormat.equals("json")
                            ? "{\"level\":\"error\",\"msg\":"
                                    + StateJson.quote(message)
                                    + ",\"time\":\""
                                    + time
                                    + "\"}\n"
                            : "time=\""
                                    + time
                                    + "\" level=error msg="
                                    + StateJson.quote(message)
                                    + "\n";
            try {
                Files.writeString(log, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                System.err.println("runsc: can not write the log " + log + ": " + e.getMessage());
            }
        }
        return switch (command.getCommandName()) {
            case "exec" -> 255; // as runc
            case "do" ->
                    message.contains("not found") || message.contains("no such file")
                            ? 127
                            : message.contains("permission denied") ? 126 : 1;
            default -> 1;
        };
    }

    /** The version line of `runsc --version`; engines read it. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"runsc version 0.1.0 (thaw)", "spec: 1.2.0"};
        }
    }
}
