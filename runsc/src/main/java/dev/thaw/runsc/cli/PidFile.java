package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.jspecify.annotations.Nullable;

/** {@code --pid-file}: written aside and renamed, since an engine reads it as soon as it is there. */
final class PidFile {
    private PidFile() {}

    static void write(@Nullable Path file, int pid) throws SandboxException {
        if (file == null) {
            return;
        }
        Path absolute = file.toAbsolutePath();
        Path temporary = absolute.resolveSibling("." + absolute.getFileName());
        try {
            Files.writeString(temporary, String.valueOf(pid));
            Files.move(temporary, absolute, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw SandboxException.internal(
                    "can not write the pid file " + file + ": " + e.getMessage());
        }
    }
}
