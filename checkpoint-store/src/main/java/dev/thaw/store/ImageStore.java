package dev.thaw.store;

import com.google.errorprone.annotations.MustBeClosed;
import dev.thaw.state.ImageException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** A place that keeps many images. Safe for many threads and processes. */
public interface ImageStore extends AutoCloseable {
    /** Begins an image. */
    ImageDraft begin() throws IOException;

    /** All images, the oldest first. Those whose manifest can not be read are left out; {@link #verify} names them. */
    List<StoredImage> list() throws IOException;

    /** The image with this id; an {@link ImageException} when there is none. */
    StoredImage get(String id);

    /** As {@link #get}, with all its files here and kept from being removed, so that they can be opened to restore from. */
    @MustBeClosed
    ImageLease open(String id) throws IOException;

    /** Fills an empty directory with the files of an image that was made elsewhere, {@code manifest.json} and what it names. */
    @FunctionalInterface
    interface Filler {
        void fill(Path directory) throws IOException;
    }

    /** Takes an image that {@code filler} brings, with the id it has, after checking its files. When it throws, there is none. */
    StoredImage adopt(Filler filler) throws IOException;

    /** Removes an image, and the bytes that no other needs: at once from a local store, by a later {@link #collect} from a remote one. */
    void delete(String id) throws IOException;

    /** Removes what no image needs, and no checkpoint or restore that is under way. */
    Collected collect() throws IOException;

    /** Removes the images that {@code policy} does not keep at {@code now}, then {@link #collect}s; returns the ids of those removed. */
    default List<String> retain(RetentionPolicy policy, Instant now) throws IOException {
        List<String> removed = new ArrayList<>();
        for (StoredImage image : policy.dispensable(list(), now)) {
            try {
                delete(image.id());
                removed.add(image.id());
            } catch (ImageException e) {
                // somebody else was faster, or has just made a child of it
            }
        }
        collect();
        return removed;
    }

    /** Reads every byte of one image where it is kept; returns what is wrong, a line each. */
    List<String> verify(String id) throws IOException;

    /** Reads every byte of every image; returns what is wrong, a line each, nothing when all is well. */
    List<String> verify() throws IOException;

    /** Gives up connections, if there are any. */
    @Override
    default void close() {}
}
