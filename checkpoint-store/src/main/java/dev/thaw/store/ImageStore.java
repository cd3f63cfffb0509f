package dev.thaw.store;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.util.List;

/** A place that keeps many images. Safe for many threads and processes. */
public interface ImageStore {
    /** Begins an image. */
    ImageDraft begin() throws IOException;

    /** All images, the oldest first. Those whose manifest can not be read are left out; {@link #verify} names them. */
    List<StoredImage> list() throws IOException;

    /** The image with this id; an {@link ImageException} when there is none. */
    StoredImage get(String id);

    /** Removes an image and the bytes that no other needs. */
    void delete(String id) throws IOException;

    /** Reads every byte of every image; returns what is wrong, a line each, nothing when all is well. */
    List<String> verify() throws IOException;
}
