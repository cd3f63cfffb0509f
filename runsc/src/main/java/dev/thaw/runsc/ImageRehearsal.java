package dev.thaw.runsc;

import dev.thaw.state.StateCatalog;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageFormat;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.image.PagesWriter;
import dev.thaw.state.image.StateWriter;
import dev.thaw.store.ImageDirectory;
import dev.thaw.store.ImageDraft;
import dev.thaw.store.StoredImage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** For the training run of the build only: makes and checks a small image, so that the class cache of the command line knows what checkpoint and restore use. */
public final class ImageRehearsal {
    public static void run() {
        try {
            Path directory = Files.createTempDirectory("thaw-rehearsal");
            ByteBuffer page = ByteBuffer.allocateDirect(ImageFormat.PAGE);
            page.put(0, (byte) 1);
            PagesWriter.Runs runs = new PagesWriter.Runs();
            runs.add(0, ImageFormat.PAGE);
            StoredImage image;
            try (ImageDraft draft = ImageDirectory.create(directory)) {
                PagesWriter.Result pages;
                try (FileChannel pack =
                        FileChannel.open(
                                draft.pack(),
                                StandardOpenOption.CREATE_NEW,
                                StandardOpenOption.WRITE)) {
                    pages =
                            PagesWriter.write(
                                    PagesWriter.Source.of(MemorySegment.ofBuffer(page)),
                                    runs,
                                    Set.of(),
                                    (data, position) ->
                                            pack.write(
                                                    ByteBuffer.wrap(
                                                            data.toArray(ValueLayout.JAVA_BYTE)),
                                                    position),
                                    ImageCodec.plain(),
                                    1);
                }
                byte[] state = StateWriter.write(new StateCatalog(), List.of());
                Files.write(
                        draft.meta(),
                        ImageMeta.encode(
                                state, pages.pageMap(), pages.index(), ImageCodec.plain()));
                image = draft.commit(Images.facts("rehearsal", "", "systrap", "{}", Map.of()));
            }
            image.checkHost();
            image.checkFiles();
            try (var files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private ImageRehearsal() {}
}
