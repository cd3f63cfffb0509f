package dev.thaw.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The control lane: a program on the host itself. */
final class Native {
    static Runsc.Result run(List<String> command) {
        try {
            Path out = Files.createTempFile("thaw-native", "out");
            Path err = Files.createTempFile("thaw-native", "err");
            try {
                Process process =
                        new ProcessBuilder(command)
                                .redirectInput(Path.of("/dev/null").toFile())
                                .redirectOutput(out.toFile())
                                .redirectError(err.toFile())
                                .start();
                return Runsc.await(new Runsc.Running(process, out, err, "native " + command), 120);
            } finally {
                Files.delete(out);
                Files.delete(err);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private Native() {}
}
