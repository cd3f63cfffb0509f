package dev.thaw.store.diff;

import dev.thaw.state.ImageException;
import dev.thaw.state.OldRecord;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.kryo.RecordDecoder;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** What differs between two images: kernel objects, pages of memory, files of file systems that live in memory. */
public record ImageDiff(
        int objectsBefore,
        int objectsAfter,
        List<Change> objects,
        PageDiff pages,
        List<Change> files) {
    /** How something differs. */
    public enum Kind {
        ADDED('+'),
        REMOVED('-'),
        CHANGED('~');

        private final char sign;

        Kind(char sign) {
            this.sign = sign;
        }

        public char sign() {
            return sign;
        }
    }

    /** One difference, in words. */
    public record Change(Kind kind, String what) {}

    /** Compares two images; {@code typeNames} may give record types a name, or null. */
    public static ImageDiff of(
            StoredImage before, StoredImage after, IntFunction<@Nullable String> typeNames)
            throws IOException {
        ImageMeta first = before.readMeta();
        ImageMeta second = after.readMeta();
        List<OldRecord> old = objects(before, first);
        List<OldRecord> now = objects(after, second);
        return new ImageDiff(
                old.size(),
                now.size(),
                ObjectDiff.of(old, now, typeNames),
                PageDiff.of(before, first.pageMap(), after, second.pageMap()),
                FileDiff.of(old, now));
    }

    private static List<OldRecord> objects(StoredImage image, ImageMeta meta) {
        try {
            return RecordDecoder.decodeGeneric(meta.state()).objects();
        } catch (ImageException e) {
            throw new ImageException(image.meta() + " " + e.getMessage(), e);
        }
    }

    /** Whether nothing differs. */
    public boolean isEmpty() {
        return objects.isEmpty() && pages.isEmpty() && files.isEmpty();
    }
}
