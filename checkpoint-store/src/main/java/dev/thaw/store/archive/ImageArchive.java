package dev.thaw.store.archive;

import dev.thaw.state.ImageException;
import dev.thaw.store.Manifest;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An image as one file: an uncompressed tar of {@code manifest.json} and then the files that it names, in its order. */
public final class ImageArchive {
    static final int MAX_MANIFEST = 1 << 20;

    /** Writes {@code image}, after checking its files. */
    public static void write(StoredImage image, OutputStream out) throws IOException {
        image.checkFiles();
        TarWriter tar = new TarWriter(out);
        new ImageContents(image)
                .write(
                        new ImageContents.Sink() {
                            @Override
                            public void file(String name, long size) throws IOException {
                                tar.file(name, size);
                            }

                            @Override
                            public void write(byte[] bytes, int length) throws IOException {
                                tar.write(bytes, length);
                            }
                        });
        tar.finish();
    }

    /** Fills the empty {@code directory} with the files of an archive: of a tar of ours, or of an OCI image layout. Nothing in them is believed yet. */
    public static void read(InputStream in, Path directory) throws IOException {
        TarReader tar = new TarReader(in);
        TarReader.@Nullable Entry first = tar.next();
        if (first == null) {
            throw new ImageException("archive is empty");
        }
        if (!first.name().equals(ImageContents.MANIFEST)) {
            OciLayout.readTar(first, tar, directory);
            return;
        }
        if (first.size() > MAX_MANIFEST) {
            throw new ImageException("archive claims a manifest of " + first.size() + " bytes");
        }
        Path manifestFile = directory.resolve(ImageContents.MANIFEST);
        extract(tar, first.size(), manifestFile);
        Map<String, Long> missing = expected(StoredImage.manifestIn(directory), directory);
        for (TarReader.@Nullable Entry entry = tar.next(); entry != null; entry = tar.next()) {
            Long size = missing.remove(entry.name());
            if (size == null || entry.directory()) {
                throw new ImageException(
                        "archive holds a file that its manifest does not name, or holds it twice");
            }
            if (size != entry.size()) {
                throw new ImageException(
                        "archive holds "
                                + entry.size()
                                + " bytes of "
                                + entry.name()
                                + ", not "
                                + size);
            }
            extract(tar, size, directory.resolve(entry.name()));
        }
        if (!missing.isEmpty()) {
            throw new ImageException("archive lacks " + missing.keySet().iterator().next());
        }
    }

    /** Name and size of each file that a manifest names; refuses what can not fit where {@code directory} is. */
    static Map<String, Long> expected(Manifest manifest, Path directory) throws IOException {
        Map<String, Long> files = new HashMap<>();
        long room = Files.getFileStore(directory).getUsableSpace();
        add(files, manifest.meta());
        add(files, manifest.chunks());
        manifest.packs().forEach(pack -> add(files, pack));
        for (long size : files.values()) {
            room -= size;
            if (room < 0) {
                throw new ImageException("archive claims more bytes than there is room for");
            }
        }
        return files;
    }

    private static void add(Map<String, Long> files, Manifest.FileRef file) {
        if (file.name().equals(ImageContents.MANIFEST)
                || files.putIfAbsent(file.name(), file.size()) != null) {
            throw new ImageException("archive has a manifest that names a file twice");
        }
    }

    /** Writes the current file of {@code tar} to {@code file}, which is made. */
    static void extract(TarReader tar, long size, Path file) throws IOException {
        byte[] buffer = new byte[1 << 18];
        try (OutputStream out =
                Files.newOutputStream(
                        file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            long left = size;
            for (int count = tar.read(buffer); count > 0; count = tar.read(buffer)) {
                out.write(buffer, 0, count);
                left -= count;
            }
            if (left != 0) {
                throw new ImageException("archive is cut short");
            }
        }
    }

    private ImageArchive() {}
}
