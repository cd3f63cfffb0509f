package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.state.image.ByteSource;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ChunkReader;
import dev.thaw.state.image.ImageCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** How an image that was made elsewhere comes to its place. */
final class Adoption {
    /** Has {@code filler} fill {@code scratch}, and checks and syncs what it brought. */
    static StoredImage fill(Scratch scratch, ImageStore.Filler filler) throws IOException {
        filler.fill(scratch.directory());
        StoredImage image = ImageDirectory.open(scratch.directory());
        image.checkFiles();
        for (Path file : files(image)) {
            StoreFiles.sync(file);
        }
        StoreFiles.sync(scratch.directory().resolve("manifest.json"));
        return image;
    }

    /** Moves all files but the manifest to {@code directory}. A pack that is there by that name stays if it holds the image's chunks; else the image is refused. */
    static void move(StoredImage image, Path directory) throws IOException {
        List<Path> files = files(image);
        for (Path file : files) {
            Path target = directory.resolve(file.getFileName());
            if (Files.exists(target) && !holdsChunks(image, file, target)) {
                throw new ImageException(
                        target
                                + " is there with other content: flatten the image before its export");
            }
        }
        for (Path file : files) {
            Path target = directory.resolve(file.getFileName());
            if (!Files.exists(target)) {
                StoreFiles.move(file, target);
            }
        }
        StoreFiles.syncDirectory(directory);
    }

    private static boolean holdsChunks(StoredImage image, Path file, Path target)
            throws IOException {
        try (FileChannelSource source = new FileChannelSource(target)) {
            return holdsChunks(image, file, source);
        }
    }

    /** Whether {@code source} has what the image needs of its pack {@code file}. */
    static boolean holdsChunks(StoredImage image, Path file, ByteSource source) throws IOException {
        int number = image.packs().indexOf(file);
        if (number < 0) {
            return false;
        }
        List<ChunkIndex.Entry> entries = new ArrayList<>();
        for (ChunkIndex.Entry entry : image.chunkIndex().entries()) {
            if (entry.pack() == number) {
                entries.add(entry.inPack(0));
            }
        }
        entries.sort(Comparator.comparingLong(ChunkIndex.Entry::position));
        try (ChunkReader reader =
                new ChunkReader(
                        new ChunkIndex(entries), List.of(source), ImageCodec.plain().chunks())) {
            for (ChunkIndex.Entry entry : entries) {
                reader.checkStored(entry.hash());
            }
            return true;
        } catch (ImageException e) {
            return false;
        }
    }

    static List<Path> files(StoredImage image) {
        List<Path> files = new ArrayList<>(image.packs());
        files.add(image.meta());
        files.add(image.chunks());
        return files;
    }

    private Adoption() {}
}
