package dev.thaw.runsc;

import dev.thaw.state.ImageException;
import dev.thaw.store.ImageDirectory;
import dev.thaw.store.ImageDraft;
import dev.thaw.store.ImageLease;
import dev.thaw.store.ImageStore;
import dev.thaw.store.KeyRing;
import dev.thaw.store.StoredImage;
import dev.thaw.store.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An image that a user named, kept from being removed until this is closed. An image is named by its directory, or as {@code STORE#ID} by the directory of a store and its id there;
 * {@code STORE#} is where a new one goes.
 */
public final class OpenImage implements AutoCloseable {
    private final StoredImage image;
    private final @Nullable ImageLease lease;

    private OpenImage(StoredImage image, @Nullable ImageLease lease) {
        this.image = image;
        this.lease = lease;
    }

    /** Opens the image {@code name}; {@code keys} are there to read it with. */
    @SuppressWarnings("MustBeClosedChecker") // the lease is closed with the image
    public static OpenImage of(String name, KeyRing keys) throws SandboxException {
        int hash = name.lastIndexOf('#');
        try {
            if (hash < 0) {
                return new OpenImage(ImageDirectory.open(Path.of(name)).with(keys), null);
            }
            ImageLease lease = store(name.substring(0, hash)).open(name.substring(hash + 1));
            return new OpenImage(lease.image().with(keys), lease);
        } catch (ImageException e) {
            throw SandboxException.invalid(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw SandboxException.internal("can not open " + name + ": " + Images.explain(e));
        }
    }

    /** Begins an image with the name {@code DIR} or {@code STORE#}. */
    public static ImageDraft create(String name) throws IOException {
        return isInStore(name)
                ? store(name.substring(0, name.length() - 1)).begin()
                : ImageDirectory.create(Path.of(name));
    }

    /** Makes an image with the name {@code DIR} or {@code STORE#} of what {@code filler} brings. */
    public static StoredImage adopt(String name, ImageStore.Filler filler) throws IOException {
        return isInStore(name)
                ? store(name.substring(0, name.length() - 1)).adopt(filler)
                : ImageDirectory.adopt(Path.of(name), filler);
    }

    /** What is wrong in the store {@code STORE#}, read where it is kept, a line each. */
    public static List<String> verifyStore(String name) throws SandboxException, IOException {
        try (ImageStore opened = store(name.substring(0, name.length() - 1))) {
            return opened.verify();
        } catch (ImageException e) {
            throw SandboxException.invalid(String.valueOf(e.getMessage()));
        }
    }

    /** One line of text for an error of the file system. */
    public static String explain(IOException e) {
        return Images.explain(e);
    }

    /** Whether {@code name} means a new image in a store. */
    public static boolean isInStore(String name) {
        return name.endsWith("#");
    }

    /** The images beside which a new one of this name will lie, with which it may share a data key. */
    public static List<StoredImage> relatives(String name) throws IOException {
        if (isInStore(name)) {
            return store(name.substring(0, name.length() - 1)).list();
        }
        List<StoredImage> found = new ArrayList<>();
        if (Files.exists(Path.of(name, "manifest.json"))) {
            try {
                found.add(ImageDirectory.open(Path.of(name)));
            } catch (ImageException e) {
                // what is replaced need not be whole
            }
        }
        return found;
    }

    private static ImageStore store(String name) throws IOException {
        return Stores.open(name.isEmpty() ? "." : name);
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
