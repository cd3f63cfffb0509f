package dev.thaw.runsc;

import dev.thaw.sentry.checkpoint.SentryStates;
import dev.thaw.state.ImageException;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.kryo.RecordDecoder;
import dev.thaw.store.ImageTrust;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether an image can be restored here, without restoring it. */
public final class ImageCheck {
    /** Why it can not be, a line each; none when it can. {@code trust} says whose images are taken, null: anybody's. */
    public static List<String> reasons(StoredImage image, @Nullable ImageTrust trust) {
        List<String> reasons = new ArrayList<>(image.hostFaults());
        if (trust != null) {
            attempt(() -> image.checkTrust(trust), reasons);
        }
        attempt(image::checkFiles, reasons);
        attempt(() -> decode(image), reasons);
        return reasons.stream().distinct().toList();
    }

    private static void attempt(Runnable check, List<String> reasons) {
        try {
            check.run();
        } catch (ImageException e) {
            reasons.add(String.valueOf(e.getMessage()));
        }
    }

    /** Reads the kernel state as a restore would, down to the records. */
    private static void decode(StoredImage image) {
        try {
            ImageMeta meta = image.readMeta();
            RecordDecoder.decode(SentryStates.catalog(), meta.state());
        } catch (ImageException e) {
            String message = String.valueOf(e.getMessage());
            throw message.startsWith("/") || message.contains(image.manifest().id())
                    ? e
                    : new ImageException(image.meta() + " " + message, e);
        } catch (IOException e) {
            throw new ImageException(Images.explain(e), e);
        }
    }

    private ImageCheck() {}
}
