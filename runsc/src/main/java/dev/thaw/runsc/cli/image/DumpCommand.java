package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.StateNames;
import dev.thaw.store.KeyRing;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code runsc image dump}. */
@Command(name = "dump", description = "show the kernel state of an image as JSON")
final class DumpCommand extends ImageSubcommand {
    @Parameters(paramLabel = "IMAGE")
    String image = "";

    @Override
    int run(KeyRing ring) throws SandboxException, IOException {
        try (OpenImage opened = OpenImage.of(image, ring)) {
            BufferedWriter out =
                    new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
            opened.image().dump(StateNames::of, out);
            out.flush();
        }
        return 0;
    }
}
