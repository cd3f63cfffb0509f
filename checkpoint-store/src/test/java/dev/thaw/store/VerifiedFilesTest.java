package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.state.image.ContentHash;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VerifiedFilesTest {
    private static final ContentHash ROOT = ContentHash.of(new byte[] {1});

    @TempDir Path work;

    @Test
    void has_onlyWhatDidNotChange() throws IOException {
        Path file = Files.writeString(work.resolve("pack"), "content");
        VerifiedFiles verified = new VerifiedFiles(work.resolve("verified"));
        assertThat(verified.has(ROOT, file)).isFalse();

        verified.add(ROOT, file, Objects.requireNonNull(VerifiedFiles.look(file)));

        assertThat(verified.has(ROOT, file)).isTrue();
        assertThat(verified.has(ContentHash.of(new byte[] {2}), file)).isFalse();
        assertThat(verified.has(ROOT, Files.writeString(work.resolve("other"), "content")))
                .isFalse();
        FileTime modified = Files.getLastModifiedTime(file);
        awaitAnotherTick(file);
        Files.writeString(file, "CONTENT");
        Files.setLastModifiedTime(file, modified);
        assertThat(verified.has(ROOT, file)).as("same size and time of modification").isFalse();
    }

    @Test
    void add_notWhatChangedMeanwhile() throws IOException {
        Path file = Files.writeString(work.resolve("pack"), "content");
        VerifiedFiles verified = new VerifiedFiles(work.resolve("verified"));
        VerifiedFiles.Stamp before = Objects.requireNonNull(VerifiedFiles.look(file));
        Files.writeString(file, "longer content");

        verified.add(ROOT, file, before);

        assertThat(verified.has(ROOT, file)).isFalse();
    }

    /** The kernel's file times go on in steps of some milliseconds. */
    private void awaitAnotherTick(Path file) throws IOException {
        Object time = Files.getAttribute(file, "unix:ctime");
        Path probe = work.resolve("probe");
        do {
            Files.writeString(probe, "x");
        } while (Files.getAttribute(probe, "unix:ctime").equals(time));
    }
}
