package dev.thaw.runsc.cli.image;

import dev.thaw.store.ImageStore;
import java.io.IOException;
import picocli.CommandLine.Command;

/** {@code runsc image gc}. */
@Command(
        name = "gc",
        description =
                "remove what no image of a store needs; checkpoints and restores may be under way")
final class GcCommand extends StoreSubcommand {
    @Override
    int run(ImageStore opened) throws IOException {
        return report(opened.collect());
    }
}
