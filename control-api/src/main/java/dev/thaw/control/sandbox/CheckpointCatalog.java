package dev.thaw.control.sandbox;

import dev.thaw.control.ControlProperties;
import dev.thaw.control.StartupException;
import dev.thaw.control.engine.SandboxConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** What this server knows of its checkpoints beside their images: one small file each, written aside and renamed, readable by its owner alone (it holds the environment). */
@Component
public class CheckpointCatalog {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointCatalog.class);
    private static final int FORMAT = 1;

    /** A checkpoint: what clients see, and what its sandbox was made of. */
    public record Entry(int format, CheckpointView view, SandboxConfig config) {}

    private final Path directory;
    private final JsonMapper json = JsonMapper.builder().build();
    private final ConcurrentHashMap<String, Entry> entries = new ConcurrentHashMap<>();

    public CheckpointCatalog(ControlProperties properties) {
        this.directory = properties.checkpointDirectory().resolve("catalog");
        try {
            Files.createDirectories(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
                for (Path file : files) {
                    load(file);
                }
            }
        } catch (IOException e) {
            throw new StartupException(
                    "The checkpoint directory " + directory + " can not be used: " + e.getMessage(),
                    "Check thaw.control.checkpoint-directory.");
        }
    }

    private void load(Path file) throws IOException {
        if (!file.toString().endsWith(".json")) {
            Files.deleteIfExists(file); // a write that did not come to its end
            return;
        }
        try {
            Entry entry = json.readValue(Files.readAllBytes(file), Entry.class);
            if (entry.format() == FORMAT) {
                entries.put(entry.view().id(), entry);
                return;
            }
            LOG.warn("{} has format {}, which this version does not know", file, entry.format());
        } catch (JacksonException e) {
            LOG.warn("{} can not be read: {}", file, e.getOriginalMessage());
        }
    }

    /** The checkpoint, or null. */
    @Nullable Entry get(String id) {
        return entries.get(id);
    }

    /** All checkpoints, the oldest first. */
    List<CheckpointView> list() {
        return entries.values().stream()
                .map(Entry::view)
                .sorted(Comparator.comparing(CheckpointView::createdAt))
                .toList();
    }

    /** Adds a checkpoint whose image is complete. */
    void add(CheckpointView view, SandboxConfig config) throws IOException {
        Entry entry = new Entry(FORMAT, view, config);
        Path temporary = directory.resolve(view.id() + ".tmp");
        try (FileChannel channel =
                FileChannel.open(
                        temporary,
                        Set.of(
                                StandardOpenOption.CREATE,
                                StandardOpenOption.TRUNCATE_EXISTING,
                                StandardOpenOption.WRITE),
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer bytes = ByteBuffer.wrap(json.writeValueAsBytes(entry));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(
                temporary, directory.resolve(view.id() + ".json"), StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel parent = FileChannel.open(directory)) {
            parent.force(true);
        }
        entries.put(view.id(), entry);
    }

    /** Forgets a checkpoint; returns what it was, or null. */
    @Nullable Entry remove(String id) throws IOException {
        Entry entry = entries.remove(id);
        if (entry != null) {
            Files.deleteIfExists(directory.resolve(id + ".json"));
        }
        return entry;
    }
}
