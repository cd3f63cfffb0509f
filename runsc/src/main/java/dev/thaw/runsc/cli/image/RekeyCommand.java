package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.store.KeyRing;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc image rekey}. */
@Command(
        name = "rekey",
        description =
                "wrap an image's data key under another key, which takes no rewriting of its data")
final class RekeyCommand extends ImageSubcommand {
    @Option(names = "--to", paramLabel = "ID", required = true, description = "the new key")
    String to = "";

    @Parameters(paramLabel = "IMAGE")
    String image = "";

    @Override
    int run(KeyRing ring) throws SandboxException, IOException {
        try (OpenImage opened = OpenImage.of(image, ring)) {
            opened.image().rekey(to);
        }
        return 0;
    }
}
