package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.store.ImageStore;
import dev.thaw.store.KeyRing;
import dev.thaw.store.StoredImage;
import dev.thaw.store.archive.ImageArchive;
import dev.thaw.store.archive.OciLayout;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code runsc image import}. */
@Command(
        name = "import",
        description = "make an image of what export wrote, after checking all of it")
final class ImportCommand extends ImageSubcommand {
    @Mixin TrustOptions trust = new TrustOptions();

    @Parameters(
            paramLabel = "FILE",
            index = "0",
            description = "a tar, the directory of an OCI image layout, or - for stdin")
    String file = "";

    @Parameters(paramLabel = "IMAGE", index = "1", description = "a new directory, or STORE#")
    String image = "";

    @Override
    int run(KeyRing ring) throws SandboxException, IOException {
        StoredImage made = OpenImage.adopt(image, checked(this::fill));
        if (OpenImage.isInStore(image)) {
            System.out.println(made.id());
        }
        return 0;
    }

    private ImageStore.Filler checked(ImageStore.Filler filler) {
        return directory -> {
            filler.fill(directory);
            trust.check(dev.thaw.store.ImageDirectory.open(directory));
        };
    }

    private void fill(Path directory) throws IOException {
        if (file.equals("-")) {
            ImageArchive.read(new BufferedInputStream(System.in), directory);
        } else if (Files.isDirectory(Path.of(file))) {
            OciLayout.read(Path.of(file), directory);
        } else {
            try (InputStream in = new BufferedInputStream(Files.newInputStream(Path.of(file)))) {
                ImageArchive.read(in, directory);
            }
        }
    }
}
