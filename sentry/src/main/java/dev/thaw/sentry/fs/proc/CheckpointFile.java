package dev.thaw.sentry.fs.proc;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Lineage;
import dev.thaw.sentry.kernel.Task;
import dev.thaw.sentry.vfs.SyntheticFile;
import dev.thaw.sentry.wait.WaitQueue;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * {@code /proc/thaw/checkpoint}: a program's past, a line for each fact. poll(2) shows POLLIN and POLLPRI once there has been a checkpoint or restore since the description last read it from its
 * start. {@code checkpoint} written to it asks for one ({@code runsc checkpoint --when-asked}); {@code renew-random} asks for new AT_RANDOM bytes after each restore.
 */
final class CheckpointFile extends SyntheticFile {
    private final Lineage lineage;

    CheckpointFile(ProcFilesystem fs) {
        super(fs, 0x1b6, _ -> text(fs.kernel().lineage()));
        lineage = fs.kernel().lineage();
    }

    private static byte[] text(Lineage lineage) {
        return new Text()
                .add("generation: ")
                .add(lineage.generation())
                .line()
                .add("id: " + lineage.id())
                .line()
                .add("parent: " + (lineage.parent().isEmpty() ? "-" : lineage.parent()))
                .line()
                .add("checkpoints: ")
                .add(lineage.checkpoints())
                .line()
                .add("saved: " + seconds(lineage.savedAt()))
                .line()
                .add("restored: " + seconds(lineage.restoredAt()))
                .line()
                .bytes();
    }

    private static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%d.%09d", nanos / 1_000_000_000, nanos % 1_000_000_000);
    }

    @Override
    public long version() {
        return lineage.version();
    }

    @Override
    public @Nullable WaitQueue changes() {
        return lineage.changes();
    }

    @Override
    public long write(Task task, byte[] bytes, long offset) throws ErrnoException {
        switch (new String(bytes, StandardCharsets.ISO_8859_1).strip()) {
            case "checkpoint" -> lineage.ask();
            case "renew-random" -> task.threadGroup().renewRandomAtRestore();
            default -> throw errno(EINVAL);
        }
        return bytes.length;
    }
}
