package dev.thaw.runsc.cli.image;

import dev.thaw.runsc.OpenImage;
import dev.thaw.runsc.SandboxException;
import dev.thaw.store.KeyRing;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code runsc image verify}. */
@Command(
        name = "verify",
        description =
                "read every byte of an image, or with STORE# of all images of a store, and name everything that is wrong")
final class VerifyCommand extends ImageSubcommand {
    @Mixin TrustOptions trust = new TrustOptions();

    @Parameters(paramLabel = "IMAGE")
    String image = "";

    @Override
    int run(KeyRing ring) throws SandboxException, IOException {
        if (OpenImage.isInStore(image)) {
            return report(OpenImage.verifyStore(image));
        }
        try (OpenImage opened = OpenImage.of(image, ring)) {
            trust.check(opened.image());
            List<String> faults = opened.image().faults();
            if (faults.isEmpty() && !opened.image().isReadable()) {
                System.out.println(
                        "stored bytes are sound; what they decrypt to was not looked at without the key");
            }
            return report(faults);
        }
    }

    private static int report(List<String> faults) {
        for (String fault : faults) {
            System.err.println("runsc: " + fault);
        }
        return faults.isEmpty() ? 0 : 1;
    }
}
