package dev.thaw.runsc.cli;

import dev.thaw.runsc.ImageKeys;
import dev.thaw.runsc.SandboxException;
import dev.thaw.store.KeyRing;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the keys of encrypted images come from. */
public final class KeyOptions {
    @Option(
            names = "--key-file",
            paramLabel = "FILE",
            description =
                    "keys of encrypted images, a line of ID BASE64 each, readable for you only; a key may also be in $THAW_IMAGE_KEY as ID:BASE64")
    @Nullable Path keyFile;

    public KeyRing read() throws SandboxException {
        return ImageKeys.read(keyFile);
    }
}
