package dev.thaw.store;

import dev.thaw.state.ImageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

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
                    public boolean takesPacks() {
                        return true;
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

    /** Makes {@code directory} an image of what {@code filler} brings, after checking it. When it throws, there is none. */
    public static StoredImage adopt(Path directory, ImageStore.Filler filler) throws IOException {
        if (Files.exists(directory.resolve(MANIFEST))) {
            throw new ImageException(directory + " holds an image already");
        }
        boolean made = !Files.exists(directory);
        StoreFiles.createDirectories(directory);
        boolean done = false;
        try (Scratch scratch = Scratch.create(directory)) {
            StoredImage image = Adoption.fill(scratch, filler);
            Adoption.move(image, directory);
            StoreFiles.move(scratch.directory().resolve(MANIFEST), directory.resolve(MANIFEST));
            StoreFiles.syncDirectory(directory);
            done = true;
            return open(directory);
        } finally {
            if (made && !done) {
                StoreFiles.delete(directory);
            }
        }
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
        Set<String> named = new HashSet<>();
        for (Manifest.FileRef pack : manifest.packs()) {
            named.add(pack.name());
            Path there = draft.foreignPacks().get(pack.name());
            if (there != null && !Files.exists(directory.resolve(pack.name()))) {
                StoreFiles.link(there, directory.resolve(pack.name()));
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
            if (!name.startsWith(manifest.id()) && !named.contains(name)) {
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
