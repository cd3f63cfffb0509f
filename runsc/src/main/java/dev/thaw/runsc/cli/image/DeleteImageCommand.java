package dev.thaw.runsc.cli.image;

import dev.thaw.store.ImageStore;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code runsc image delete}. */
@Command(name = "delete", description = "remove images from a store")
final class DeleteImageCommand extends StoreSubcommand {
    @Parameters(paramLabel = "ID", arity = "1..*")
    List<String> ids = List.of();

    @Override
    int run(ImageStore opened) throws IOException {
        for (String id : ids) {
            opened.delete(id);
        }
        return 0;
    }
}
