package dev.thaw.store;

import org.jspecify.annotations.Nullable;

/** An image whose files stay where they are, whatever is deleted meanwhile, until this is closed. Descriptors opened before outlive it. */
public final class ImageLease implements AutoCloseable {
    private final StoredImage image;
    private final @Nullable Lease lease;

    /** {@code lease} is null where nothing can be removed. */
    ImageLease(StoredImage image, @Nullable Lease lease) {
        this.image = image;
        this.lease = lease;
    }

    public StoredImage image() {
        return image;
    }

    @Override
    public void close() {
        if (lease != null) {
            lease.close();
        }
    }
}
