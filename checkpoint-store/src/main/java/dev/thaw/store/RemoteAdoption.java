package dev.thaw.store;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Puts an image that was made elsewhere in a remote store, under the id and with the names of files that it has. */
final class RemoteAdoption {
    private final ObjectStore objects;
    private final StoredImage image;

    /** {@code image} is a directory, whole and checked. */
    RemoteAdoption(ObjectStore objects, StoredImage image) {
        this.objects = objects;
        this.image = image;
    }

    void run() throws IOException {
        String key = RemoteNames.IMAGES + image.id() + RemoteNames.JSON;
        List<Path> files = Adoption.files(image);
        try (RemoteMark mark = new RemoteMark(objects)) {
            List<String> names = new ArrayList<>();
            files.forEach(file -> names.add(file.getFileName().toString()));
            mark.relyOn(names);
            check(key);
            for (Path file : files) {
                String name = file.getFileName().toString();
                boolean dead = objects.stat(RemoteNames.DEAD + name) != null;
                objects.delete(RemoteNames.DEAD + name);
                if (dead || !isThere(file)) {
                    objects.put(RemoteNames.FILES + name, file);
                }
            }
            boolean done = false;
            try {
                objects.put(key, Files.readAllBytes(image.meta().resolveSibling("manifest.json")));
                for (String name : names) {
                    if (!mark.isThere() || objects.stat(RemoteNames.FILES + name) == null) {
                        throw new IOException(
                                objects.describe(RemoteNames.FILES + name)
                                        + " was thrown away meanwhile: import the image again");
                    }
                }
                done = true;
            } finally {
                if (!done) {
                    objects.delete(key);
                }
            }
        }
    }

    private void check(String key) throws IOException {
        if (objects.stat(key) != null) {
            throw new ImageException(
                    objects.describe("") + " holds image " + image.id() + " already");
        }
        String parent = image.manifest().parent();
        if (parent != null
                && objects.stat(RemoteNames.IMAGES + parent + RemoteNames.JSON) == null) {
            throw new ImageException(
                    objects.describe("")
                            + " lacks the image's parent "
                            + parent
                            + ": import that first, or flatten the image before its export");
        }
    }

    /** Whether a pack of that name is there with the image's chunks in it; what else has the name refuses the image. */
    private boolean isThere(Path file) throws IOException {
        String key = RemoteNames.FILES + file.getFileName();
        if (objects.stat(key) == null) {
            return false;
        }
        if (!Adoption.holdsChunks(image, file, new ObjectSource(objects, key))) {
            throw new ImageException(
                    objects.describe(key)
                            + " is there with other content: flatten the image before its export");
        }
        return true;
    }
}
