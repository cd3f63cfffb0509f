package dev.thaw.control;

import jakarta.annotation.PreDestroy;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Holds the state directory for this server alone, until it ends however it does. */
@Component
public class StateLock {
    private final FileChannel channel;

    public StateLock(ControlProperties properties) {
        Path directory = properties.stateDirectory();
        FileLock lock;
        try {
            Files.createDirectories(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
            channel =
                    FileChannel.open(
                            directory.resolve("lock"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE);
            lock = lockOrNull(channel);
        } catch (IOException e) {
            throw new StartupException(
                    "The state directory " + directory + " can not be used: " + e.getMessage(),
                    "Check thaw.control.state-directory.");
        }
        if (lock == null) {
            throw new StartupException(
                    "Another server uses the state directory " + directory + ".",
                    "End it, or set thaw.control.state-directory.");
        }
    }

    private static @Nullable FileLock lockOrNull(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) { // in this very process, as tests do
            return null;
        }
    }

    @PreDestroy
    void release() throws IOException {
        channel.close();
    }
}
