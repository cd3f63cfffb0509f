package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.store.Flattening;
import dev.thaw.store.ImageDraft;
import dev.thaw.store.KeyRing;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc image flatten}. */
@Command(
        name = "flatten",
        description = "write an image that continues others anew, so that it continues none")
final class FlattenCommand extends ImageSubcommand {
    @Option(
            names = "--key",
            paramLabel = "ID",
            description = "encrypt with this key (default: as the image is)")
    @Nullable String key;

    @Parameters(index = "0", paramLabel = "IMAGE", description = "its directory, or STORE#ID")
    String image = "";

    @Parameters(
            index = "1",
            paramLabel = "TARGET",
            description = "a directory, or STORE# for a new one in a store, whose id is printed")
    String target = "";

    @Override
    int run(KeyRing ring) throws SandboxException, IOException {
        try (OpenImage opened = OpenImage.of(image, ring);
                ImageDraft draft = OpenImage.create(target)) {
            var encryption = opened.image().manifest().encryption();
            String keyId = key != null ? key : encryption == null ? null : encryption.keyId();
            if (keyId != null) {
                draft.encrypt(ring, keyId, List.of(opened.image()));
            }
            StoredImage flat = Flattening.of(opened.image(), draft);
            if (OpenImage.isInStore(target)) {
                System.out.println(flat.id());
            }
        }
        return 0;
    }
}
