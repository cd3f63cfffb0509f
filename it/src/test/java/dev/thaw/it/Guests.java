package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The guest programs of {@code it/src/guest}, compiled once by the machine's gcc. */
final class Guests {
    static final Path ROOT =
            Path.of(System.getProperty("thaw.root", ".")).toAbsolutePath().normalize();
    private static final Path SOURCES = ROOT.resolve("it/src/guest");

    /** Builds {@code c/NAME.c} statically and returns the binary. */
    static Path c(String name, String... flags) {
        Path binary = ROOT.resolve("it/target/guest").resolve(name);
        Path source = SOURCES.resolve("c").resolve(name + ".c");
        try {
            if (Files.exists(binary)
                    && Files.getLastModifiedTime(binary)
                                    .compareTo(Files.getLastModifiedTime(source))
                            > 0) {
                return binary;
            }
            Files.createDirectories(binary.getParent());
            List<String> command = new ArrayList<>(List.of("gcc", "-O2", "-static", "-pthread"));
            command.addAll(List.of(flags));
            command.addAll(List.of("-o", binary.toString(), source.toString()));
            Process gcc = new ProcessBuilder(command).inheritIO().start();
            assertThat(gcc.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(gcc.exitValue()).as("gcc " + source).isZero();
            return binary;
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** The script {@code python/NAME}. */
    static Path python(String name) {
        return SOURCES.resolve("python").resolve(name);
    }

    private Guests() {}
}
