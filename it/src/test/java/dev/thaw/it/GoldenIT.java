package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Images that earlier releases made, kept in the tree ({@code golden/make} made them): each later release restores them, and what is in them goes on. */
class GoldenIT {
    private static final Path GOLDEN = Guests.ROOT.resolve("it/src/test/resources/golden");

    static Stream<Path> images() throws IOException {
        try (Stream<Path> entries = Files.list(GOLDEN)) {
            List<Path> found = entries.filter(Files::isDirectory).sorted().toList();
            assertThat(found).isNotEmpty();
            return found.stream();
        }
    }

    @ParameterizedTest
    @MethodSource("images")
    void golden_goesOn(Path golden) throws IOException {
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle =
                    runsc.work().resolve("bundle"); // other inodes and times, as in a checkout
            copy(golden, bundle);
            runsc.run("image", "verify", bundle.resolve("image").toString()).succeeds();
            runsc.run("image", "check", bundle.resolve("image").toString()).succeeds();
            long count = Long.parseLong(Files.readString(golden.resolve("count")).strip());
            Path output = runsc.work().resolve("golden.out");
            Runsc.await(
                            runsc.start(
                                    List.of(
                                            "restore",
                                            "--detach",
                                            "--on-changed-files=ignore", // a checkout has its own
                                            // times
                                            "--bundle",
                                            bundle.toString(),
                                            "--image-path",
                                            bundle.resolve("image").toString(),
                                            "golden"),
                                    output),
                            60)
                    .succeeds();
            Runsc.awaitText(output, "n " + (count + 10) + "\n");
            List<String> lines = Runsc.read(output).lines().toList();
            long first = Long.parseLong(lines.getFirst().substring(2));
            assertThat(first).isBetween(count, count + 2); // the last line may be of the pause
            for (int i = 0; i < 8; i++) {
                assertThat(lines.get(i)).isEqualTo("n " + (first + i));
            }
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }
}
