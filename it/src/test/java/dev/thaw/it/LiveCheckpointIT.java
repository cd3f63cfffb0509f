package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints that a running container hardly feels, and images that hold only what changed since another. */
class LiveCheckpointIT {
    @ParameterizedTest
    @ValueSource(strings = {"systrap", "ptrace"})
    void guestWritesOn_whileItsImageIsMade(String platform) {
        String binary = Guests.c("memory").toString();
        try (Runsc runsc = new Runsc(platform)) {
            Path bundle = runsc.bundle(binary, "64");
            Path source = runsc.runDetached("a", bundle);
            Runsc.awaitText(source, "tick 20 ");
            Path image = runsc.work().resolve("image");
            runsc.run("checkpoint", "--leave-running", "--image-path", image.toString(), "a")
                    .succeeds();
            Runsc.awaitGrowth(source, Runsc.read(source).length() + 2000);
            runsc.run("delete", "--force", "a").succeeds();
            Path copy = runsc.restoreDetached("b", image, bundle);
            Runsc.awaitText(copy, "tick ");
            Runsc.awaitGrowth(copy, 4000);
            assertThat(Runsc.read(source) + Runsc.read(copy)).doesNotContain("wrong");
        }
    }

    @Test
    void chainOfImages_eachHoldsWhatChanged() throws IOException {
        String binary = Guests.c("memory").toString();
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle = runsc.bundle(binary, "64");
            Path source = runsc.runDetached("a", bundle);
            Runsc.awaitText(source, "tick 20 ");
            Path before = runsc.work().resolve("image0");
            runsc.run("checkpoint", "--leave-running", "--image-path", before.toString(), "a")
                    .succeeds();
            long whole = number(before, "storedBytes");
            for (int i = 1; i <= 5; i++) {
                Runsc.awaitGrowth(source, Runsc.read(source).length() + 200);
                Path next = runsc.work().resolve("image" + i);
                runsc.run(
                                "checkpoint",
                                "--leave-running",
                                "--parent",
                                before.toString(),
                                "--image-path",
                                next.toString(),
                                "a")
                        .succeeds();
                assertThat(number(next, "storedBytes")).isLessThan(whole / 4);
                delete(before); // each directory is an image by itself
                before = next;
            }
            assertThat(
                            runsc.run(
                                            "checkpoint",
                                            "--leave-running",
                                            "--parent",
                                            copyOfManifest(runsc, before),
                                            "--image-path",
                                            runsc.work().resolve("none").toString(),
                                            "a")
                                    .status())
                    .isNotZero();
            assertThat(runsc.work().resolve("none")).doesNotExist();
            runsc.run("delete", "--force", "a").succeeds();
            Path flat = runsc.work().resolve("flat");
            runsc.run("image", "flatten", before.toString(), flat.toString()).succeeds();
            assertThat(Files.readString(flat.resolve("manifest.json")))
                    .contains("\"parent\" : null");
            runsc.run("image", "verify", before.toString()).succeeds();
            for (Path image : new Path[] {before, flat}) {
                String id = "of-" + image.getFileName();
                Path copy = runsc.restoreDetached(id, image, bundle);
                Runsc.awaitGrowth(copy, 4000);
                assertThat(Runsc.read(copy)).doesNotContain("wrong");
            }
        }
    }

    /** An image directory without its files: nothing can continue it. */
    private static String copyOfManifest(Runsc runsc, Path image) throws IOException {
        Path copy = Files.createDirectory(runsc.work().resolve("gone"));
        Files.copy(image.resolve("manifest.json"), copy.resolve("manifest.json"));
        return copy.toString();
    }

    private static void delete(Path image) throws IOException {
        try (Stream<Path> files = Files.list(image)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(image);
    }

    private static long number(Path image, String name) throws IOException {
        Matcher found =
                Pattern.compile("\"" + name + "\" : (\\d+)")
                        .matcher(Files.readString(image.resolve("manifest.json")));
        assertThat(found.find()).isTrue();
        return Long.parseLong(found.group(1));
    }
}
