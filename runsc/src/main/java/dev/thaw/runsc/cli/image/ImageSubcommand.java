package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.cli.KeyOptions;
import dev.thaw.store.KeyRing;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What the commands on an image have in common. */
abstract class ImageSubcommand implements Callable<Integer> {
    @Mixin KeyOptions keys = new KeyOptions();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    boolean help;

    @Override
    public final Integer call() throws SandboxException {
        try (KeyRing ring = keys.read()) {
            return run(ring);
        } catch (IOException e) {
            throw SandboxException.internal(String.valueOf(OpenImage.explain(e)));
        }
    }

    abstract int run(KeyRing ring) throws SandboxException, IOException;
}
