package dev.thaw.sentry.mm;

import dev.thaw.sentry.vfs.FileDescription;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What exec put where (Linux: {@code prctl_mm_map}): addresses of the arguments and the environment on the stack, the auxiliary vector as it stands there, the program's file. */
public record ExecLayout(
        long codeStart,
        long codeEnd,
        long dataStart,
        long dataEnd,
        long stackStart,
        long argStart,
        long argEnd,
        long envStart,
        long envEnd,
        long[] auxv,
        @Nullable FileDescription executable) {
    static final ExecLayout NONE = new ExecLayout(0, 0, 0, 0, 0, 0, 0, 0, 0, new long[0], null);

    /** The same with a reference of its own to the file. */
    ExecLayout retain() {
        if (executable != null) {
            executable.acquire();
        }
        return this;
    }

    List<FileDescription> files() {
        return executable == null ? List.of() : List.of(executable);
    }
}
