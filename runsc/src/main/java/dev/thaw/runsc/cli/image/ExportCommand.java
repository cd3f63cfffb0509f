package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.store.KeyRing;
import dev.thaw.store.StoredImage;
import dev.thaw.store.archive.ImageArchive;
import dev.thaw.store.archive.OciLayout;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code runsc image export}. */
@Command(name = "export", description = "write an image as one file, or as an OCI image layout")
final class ExportCommand extends ImageSubcommand {
    @Option(
            names = "--oci",
            description = "as an OCI image layout: a directory, or a tar when FILE ends with .tar")
    boolean oci;

    @Parameters(paramLabel = "IMAGE", index = "0")
    String image = "";

    @Parameters(paramLabel = "FILE", index = "1", description = "where to; - for stdout")
    String file = "";

    @Override
    int run(KeyRing ring) throws SandboxException, IOException {
        try (OpenImage opened = OpenImage.of(image, ring)) {
            StoredImage stored = opened.image();
            if (oci && !file.endsWith(".tar") && !file.equals("-")) {
                OciLayout.write(stored, Path.of(file));
            } else if (file.equals("-")) {
                write(stored, System.out);
            } else {
                Path aside = Path.of(file + ".part");
                try {
                    try (OutputStream out =
                            new BufferedOutputStream(Files.newOutputStream(aside), 1 << 16)) {
                        write(stored, out);
                    }
                    Files.move(aside, Path.of(file));
                } finally {
                    Files.deleteIfExists(aside);
                }
            }
        }
        return 0;
    }

    private void write(StoredImage stored, OutputStream out) throws IOException {
        if (!oci) {
            ImageArchive.write(stored, out);
            return;
        }
        Path scratch = Files.createTempDirectory("thaw-export");
        try {
            OciLayout.writeTar(stored, scratch, out);
        } finally {
            OciLayout.delete(scratch);
        }
    }
}
