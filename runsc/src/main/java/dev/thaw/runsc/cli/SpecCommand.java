package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.oci.SpecTemplate;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code runsc spec}. */
@Command(name = "spec", description = "write a config.json to begin with")
final class SpecCommand implements Callable<Integer> {
    @Option(
            names = {"-b", "--bundle"},
            paramLabel = "DIR",
            description = "where to (default: the working directory)",
            defaultValue = ".")
    Path bundle = Path.of(".");

    @Option(names = "--rootless", hidden = true)
    boolean rootless;

    SpecCommand(Runsc runsc) {
        assert runsc != null;
    }

    @Override
    public Integer call() throws SandboxException {
        Path file = bundle.resolve("config.json");
        try {
            Files.writeString(
                    file,
                    SpecTemplate.json(),
                    StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException e) {
            throw SandboxException.conflict("File config.json exists. Remove it first");
        } catch (IOException e) {
            throw SandboxException.internal("can not write " + file + ": " + e.getMessage());
        }
        return 0;
    }
}
