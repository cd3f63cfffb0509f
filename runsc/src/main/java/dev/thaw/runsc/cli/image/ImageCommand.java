package dev.thaw.runsc.cli.image;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The group of commands about images. An IMAGE is the directory of one, or STORE#ID. */
@Command(
        name = "image",
        description = "look at, check, convert and move images; IMAGE is a directory or STORE#ID")
public final class ImageCommand implements Callable<Integer> {
    private static final Map<String, Supplier<Callable<Integer>>> COMMANDS = new LinkedHashMap<>();

    static {
        COMMANDS.put("inspect", InspectCommand::new);
        COMMANDS.put("verify", VerifyCommand::new);
        COMMANDS.put("check", CheckCommand::new);
        COMMANDS.put("diff", DiffCommand::new);
        COMMANDS.put("dump", DumpCommand::new);
        COMMANDS.put("export", ExportCommand::new);
        COMMANDS.put("flatten", FlattenCommand::new);
        COMMANDS.put("import", ImportCommand::new);
        COMMANDS.put("rekey", RekeyCommand::new);
        COMMANDS.put("list", ListImagesCommand::new);
        COMMANDS.put("gc", GcCommand::new);
        COMMANDS.put("retain", RetainCommand::new);
        COMMANDS.put("delete", DeleteImageCommand::new);
    }

    @Spec CommandSpec spec = CommandSpec.create();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    boolean help;

    /** The command with those of its subcommands that {@code args} name, or with all. */
    public static CommandLine build(String[] args) {
        CommandLine line = new CommandLine(new ImageCommand());
        String named = Arrays.stream(args).filter(COMMANDS::containsKey).findFirst().orElse(null);
        COMMANDS.forEach(
                (name, maker) -> {
                    if (named == null || named.equals(name)) {
                        line.addSubcommand(name, new CommandLine(maker.get()));
                    }
                });
        return line;
    }

    @Override
    public Integer call() {
        spec.commandLine().usage(System.err);
        return 2;
    }
}
