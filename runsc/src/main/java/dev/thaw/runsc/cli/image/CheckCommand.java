package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.ImageCheck;
import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.store.ImageTrust;
import dev.thaw.store.KeyRing;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc image check}. */
@Command(
        name = "check",
        description = "say whether this host can restore an image, and if not, every reason")
final class CheckCommand extends ImageSubcommand {
    @Option(names = "--trust", paramLabel = "FILE", description = "as restore would be told")
    @Nullable Path trust;

    @Parameters(paramLabel = "IMAGE")
    String image = "";

    @Override
    int run(KeyRing ring) throws SandboxException {
        try (OpenImage opened = OpenImage.of(image, ring)) {
            List<String> reasons =
                    ImageCheck.reasons(
                            opened.image(), trust == null ? null : ImageTrust.read(trust));
            reasons.forEach(System.out::println);
            return reasons.isEmpty() ? 0 : 1;
        }
    }
}
