package dev.thaw.store;

import dev.thaw.state.ImageException;
import dev.thaw.store.archive.ImageArchive;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The manifest's decoder and the archive's, for a fuzzer ({@code it/bench/fuzz}): any bytes give an {@link ImageException} or a value. The first byte says which gets the rest. */
public final class ManifestFuzz {
    private static @Nullable Path scratch;

    /** The fuzzer's entry point. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException {
        if (data.length == 0) {
            return;
        }
        byte[] rest = Arrays.copyOfRange(data, 1, data.length);
        try {
            if (data[0] % 2 == 0) {
                ManifestJson.decode(sealed(rest), "manifest.json");
            } else {
                archive(rest);
            }
        } catch (ImageException e) {
            if (String.valueOf(e.getMessage()).contains("\n")) {
                throw new AssertionError("a message of more than a line", e);
            }
        }
    }

    private static byte[] sealed(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        return text.contains(",\n  \"sha256\" : ")
                ? Forgery.sealed(text).getBytes(StandardCharsets.UTF_8)
                : bytes;
    }

    private static void archive(byte[] bytes) throws IOException {
        Path directory = scratch;
        if (directory == null) {
            directory = Files.createTempDirectory("thaw-fuzz");
            scratch = directory;
        }
        try {
            ImageArchive.read(new ByteArrayInputStream(bytes), directory);
        } finally {
            for (Path file : StoreFiles.list(directory, "*")) {
                Files.delete(file);
            }
        }
    }

    /** Files to begin with, in {@code args[0]}. */
    public static void main(String[] args) throws IOException {
        Path image = Files.createTempDirectory("thaw-fuzz").resolve("image");
        StoredImage made = Images.commit(ImageDirectory.create(image), Images.dull(3));
        Path out = Path.of(args[0]);
        try (var archive = Files.newOutputStream(out.resolve("archive"))) {
            archive.write(1);
            ImageArchive.write(made, archive);
        }
        Files.writeString(out.resolve("manifest"), "\0" + made.inspect());
        for (Path file : StoreFiles.list(image, "*")) {
            Files.delete(file);
        }
        Files.delete(image);
    }

    private ManifestFuzz() {}
}
