package dev.thaw.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A directory that is one image, complete in itself: {@code manifest.json} and the files it names. What {@code runsc checkpoint --image-path} makes. */
public final class ImageDirectory {
    private static final String MANIFEST = "manifest.json";

    /** Begins an image in {@code directory}, which is made when it is not there. An image that it holds stays until the new one is complete, which then takes its place. */
    public static ImageDraft create(Path directory) throws IOException {
        boolean made = !Files.exists(directory);
        StoreFiles.createDirectories(directory);
        return ImageDraft.open(
                directory,
                Map.of(),
                new ImageDraft.Publisher() {
                    @Override
                    public StoredImage publish(ImageDraft draft, Manifest manifest)
                            throws IOException {
                        return ImageDirectory.publish(directory, draft, manifest);
                    }

                    @Override
                    public void abandoned() {
                        try {
                            if (made) {
                                StoreFiles.delete(directory);
                            }
                        } catch (IOException e) {
                            // an empty directory stays
                        }
                    }
                });
    }

    /** The image in {@code directory}. */
    public static StoredImage open(Path directory) {
        return StoredImage.open(directory.resolve(MANIFEST), directory, directory);
    }

    private static StoredImage publish(Path directory, ImageDraft draft, Manifest manifest)
            throws IOException {
        for (Path file : java.util.List.of(draft.pack(), draft.meta(), draft.chunks())) {
            if (Files.exists(file)) {
                StoreFiles.move(file, directory.resolve(file.getFileName()));
            }
        }
        StoreFiles.syncDirectory(directory);
        StoreFiles.move(draft.manifest(), directory.resolve(MANIFEST));
        StoreFiles.syncDirectory(directory);
        for (Path file :
                StoreFiles.list(
                        directory,
                        "*.{pack,meta,chunks}")) { // of an image that this one replaced, or of a
            // crash
            String name = file.getFileName().toString();
            if (!name.startsWith(manifest.id())) {
                StoreFiles.delete(file);
            }
        }
        Path parent = directory.toAbsolutePath().getParent();
        if (parent != null) {
            StoreFiles.syncDirectory(parent);
        }
        return StoredImage.open(directory.resolve(MANIFEST), directory, directory);
    }

    private ImageDirectory() {}
}
