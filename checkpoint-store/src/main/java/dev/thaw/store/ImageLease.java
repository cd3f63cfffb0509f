package dev.thaw.store;

/** An image whose files stay where they are, whatever is deleted meanwhile, until this is closed. Descriptors opened before outlive it. */
public final class ImageLease implements AutoCloseable {
    private final StoredImage image;
    private final Lease lease;

    ImageLease(StoredImage image, Lease lease) {
        this.image = image;
        this.lease = lease;
    }

    public StoredImage image() {
        return image;
    }

    @Override
    public void close() {
        lease.close();
    }
}
