package dev.thaw.sentry.vfs;

import dev.thaw.sentry.ErrnoException;

/** A descriptor table (Linux: {@code struct files_struct}), shared by CLONE_FILES. Each slot owns one reference. */
public final class FdTable {
    /** The description at {@code fd} with a reference that the caller closes; EBADF. */
    public FileDescription get(int fd) throws ErrnoException {
        throw new UnsupportedOperationException();
    }

    /** Puts {@code file} (taking over the caller's reference) at the lowest free descriptor of at least {@code min}; EMFILE past RLIMIT_NOFILE. */
    public int install(FileDescription file, int min, boolean closeOnExec, long limit) throws ErrnoException {
        throw new UnsupportedOperationException();
    }
}
