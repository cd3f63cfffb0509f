package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What bad input gets: one clear line, a failure status, nothing left behind. */
class BadInputIT {
    private static void assertOneLine(Runsc.Result result, String... words) {
        assertThat(result.status()).as(result.err()).isNotZero();
        assertThat(result.err().strip().lines().toList()).as(result.err()).hasSize(1);
        for (String word : words) {
            assertThat(result.err()).contains(word);
        }
    }

    private static Runsc.Result restore(Runsc runsc, Path image, Path bundle) {
        return runsc.run(
                "restore",
                "--detach",
                "--image-path",
                image.toString(),
                "--bundle",
                bundle.toString(),
                "again");
    }

    @Test
    void bundle_brokenOrMissing() throws IOException {
        try (Runsc runsc = new Runsc("systrap")) {
            Path empty = Files.createDirectory(runsc.work().resolve("empty"));
            assertOneLine(runsc.run("run", "--bundle", empty.toString(), "a"), "config.json");
            Path broken = Files.createDirectory(runsc.work().resolve("broken"));
            Files.writeString(broken.resolve("config.json"), "{\"ociVersion\": ");
            assertOneLine(runsc.run("run", "--bundle", broken.toString(), "a"), "config.json");
            Path noArgs = runsc.bundle();
            assertOneLine(runsc.run("run", "--bundle", noArgs.toString(), "a"), "args");
            Path missing = runsc.bundle("/no/such/program");
            assertOneLine(
                    runsc.run("run", "--bundle", missing.toString(), "a"), "/no/such/program");
            assertOneLine(
                    runsc.run("run", "--bundle", runsc.bundle("/bin/true").toString(), "../evil"),
                    "../evil");
            assertOneLine(runsc.run("state", "nobody"), "nobody");
            assertThat(runsc.run("list", "--quiet").succeeds().out()).isBlank();
        }
    }

    @Test
    void image_damaged_isRefusedWithItsFile() throws IOException {
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle = runsc.bundle("/bin/busybox", "sh", "-c", "echo ready; sleep 1000");
            Path output = runsc.runDetached("a", bundle);
            Runsc.awaitText(output, "ready");
            Path image = runsc.work().resolve("image");
            runsc.run("checkpoint", "--leave-running", "--image-path", image.toString(), "a")
                    .succeeds();
            List<Path> files;
            try (Stream<Path> walk = Files.walk(image)) {
                files =
                        walk.filter(Files::isRegularFile)
                                .filter(file -> file.toFile().length() > 0)
                                .toList();
            }
            assertThat(files).isNotEmpty();
            Random random = new Random(42);
            for (Path file : files) {
                byte[] original = Files.readAllBytes(file);
                try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
                    raw.setLength(original.length - 1L);
                }
                assertOneLine(restore(runsc, image, bundle), file.getFileName().toString());
                for (int i = 0; i < 3; i++) {
                    byte[] flipped = original.clone();
                    flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
                    Files.write(file, flipped);
                    assertOneLine(restore(runsc, image, bundle));
                }
                Files.write(file, original);
            }
            assertOneLine(restore(runsc, runsc.work().resolve("nowhere"), bundle), "nowhere");
            assertThat(runsc.run("state", "a").succeeds().out()).contains("running");
            assertThat(runsc.run("list", "--quiet").succeeds().out().strip()).isEqualTo("a");
            runsc.restoreDetached("b", image, bundle);
            assertThat(runsc.run("state", "b").succeeds().out()).contains("running");
        }
    }

    @Test
    void fullDisk_sandboxGoesOnAndNoHalfImageStays() throws Exception {
        try (Runsc runsc = new Runsc("systrap")) {
            Path small = Files.createDirectory(runsc.work().resolve("small"));
            Runsc.Result mounted =
                    Native.run(
                            List.of(
                                    "mount",
                                    "-t",
                                    "tmpfs",
                                    "-o",
                                    "size=4m",
                                    "tmpfs",
                                    small.toString()));
            assertThat(mounted.status()).as(mounted.err()).isZero();
            try {
                Path bundle = runsc.bundle(Guests.c("memory").toString(), "64");
                Path output = runsc.runDetached("a", bundle);
                Runsc.awaitText(output, "tick 5 ");
                assertOneLine(
                        runsc.run(
                                "checkpoint",
                                "--image-path",
                                small.resolve("image").toString(),
                                "a"),
                        "space");
                long length = Runsc.read(output).length();
                Runsc.awaitGrowth(output, length + 200);
                assertThat(Runsc.read(output)).doesNotContain("wrong");
                try (Stream<Path> left = Files.list(small)) {
                    assertThat(left).isEmpty();
                }
            } finally {
                Native.run(List.of("umount", "-l", small.toString()));
            }
        }
    }

    @Test
    void guestWithoutEnd_endsByItsOwnError() {
        try (Runsc runsc = new Runsc("systrap")) {
            String limits =
                    "\"linux\":{\"resources\":{\"pids\":{\"limit\":40},\"memory\":{\"limit\":134217728}}}";
            Path forks =
                    runsc.bundle(
                            limits,
                            new String[] {
                                "/bin/busybox",
                                "sh",
                                "-c",
                                "i=0; while [ $i -lt 200 ]; do i=$((i+1)); sleep 5 & done; echo all"
                            });
            Runsc.Result result = runsc.run("run", "--bundle", forks.toString(), "a");
            assertThat(result.out()).doesNotContain("all");
            assertThat(result.err()).containsIgnoringCase("fork");
            Path eater =
                    runsc.bundle(
                            limits,
                            new String[] {
                                "/usr/bin/python3",
                                "-c",
                                "x = []\nwhile True: x.append(bytearray(1 << 20))"
                            });
            Runsc.Result eaten = runsc.run("run", "--bundle", eater.toString(), "b");
            assertThat(eaten.status()).as(eaten.err()).isIn(1, 137);
            Path crash =
                    runsc.bundle("/usr/bin/python3", "-c", "import ctypes; ctypes.string_at(0)");
            assertThat(runsc.run("run", "--bundle", crash.toString(), "c").status())
                    .isEqualTo(128 + 11);
        }
    }
}
