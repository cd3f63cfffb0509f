package dev.thaw.sentry.loader;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.vfs.FileDescription;
import java.util.List;

/**
 * What to load.
 *
 * @param file the program, opened for reading; the caller keeps its reference
 * @param path as the program is told (AT_EXECFN) and as a script's interpreter gets it
 * @param secure AT_SECURE: the program got more rights by being executed
 * @param stackLimit soft RLIMIT_STACK, -1 for none; likewise the others
 * @param opener finds interpreters
 * @param random fills an array with unpredictable bytes
 */
public record LoadRequest(
        FileDescription file,
        String path,
        List<String> argv,
        List<String> env,
        Credentials credentials,
        boolean secure,
        long stackLimit,
        long dataLimit,
        long addressSpaceLimit,
        Opener opener,
        RandomBytes random) {
    /** Opens a file to execute (permission and type checked), as the task that calls execve sees it. */
    @FunctionalInterface
    public interface Opener {
        FileDescription open(String path) throws ErrnoException;
    }

    /** A source of random bytes. */
    @FunctionalInterface
    public interface RandomBytes {
        void fill(byte[] bytes);
    }
}
