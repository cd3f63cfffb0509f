package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.ENXIO;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Task;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** Who opens FIFOs, sockets and devices, whatever file system their node is in. Openers are stateless and registered when the Sentry starts. */
public final class SpecialFiles {
    /** Opens nodes of one type. An open that has to wait (a FIFO without a peer) waits itself by the task. */
    @FunctionalInterface
    public interface Opener {
        FileDescription open(@Nullable Task task, Inode node, int flags) throws ErrnoException;
    }

    private static final AtomicReferenceArray<@Nullable Opener> OPENERS =
            new AtomicReferenceArray<>(16);

    /** Sets who opens nodes of {@code type} (S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK). */
    public static void register(int type, Opener opener) {
        OPENERS.set(type >>> 12, opener);
    }

    static FileDescription open(@Nullable Task task, Inode node, int flags) throws ErrnoException {
        Opener opener = OPENERS.get(node.type() >>> 12);
        if (opener == null) {
            throw errno(ENXIO);
        }
        return opener.open(task, node, flags);
    }

    private SpecialFiles() {}
}
