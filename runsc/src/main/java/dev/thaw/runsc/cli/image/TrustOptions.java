package dev.thaw.runsc.cli.image;

import dev.thaw.store.ImageTrust;
import dev.thaw.store.StoredImage;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whose images are taken. */
final class TrustOptions {
    @Option(
            names = "--trust",
            paramLabel = "FILE",
            description =
                    "the image must be signed by one of the Ed25519 public keys in this PEM file")
    @Nullable Path trust;

    /** Throws unless the image is signed by one of those, if any were named. */
    void check(StoredImage image) {
        if (trust != null) {
            image.checkTrust(ImageTrust.read(trust));
        }
    }
}
