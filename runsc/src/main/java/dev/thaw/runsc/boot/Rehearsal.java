package dev.thaw.runsc.boot;

import dev.thaw.sentry.syscall.Amd64;
import dev.thaw.sentry.syscall.SyscallTable;
import dev.thaw.state.image.PagesWriter;
import java.io.IOException;
import java.net.URL;
import java.util.Enumeration;

/**
 * Makes sure that what the Sentry uses after {@link Confinement} can be found without a file system. Jars on the class path are opened one after the other as a search goes on, and stay open; so one
 * search for what is nowhere opens all of them, and classes load from them later without opening a file.
 */
final class Rehearsal {
    private Rehearsal() {}

    static void run() {
        try {
            Enumeration<URL> none =
                    Rehearsal.class.getClassLoader().getResources("nowhere/to/be/found");
            assert !none.hasMoreElements();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        PagesWriter.loadLibrary();
        // Library parts of the JDK that read a file when first used.
        System.getLogger("dev.thaw.sentry").isLoggable(System.Logger.Level.TRACE);
        StackTraceElement[] trace = new IllegalStateException("rehearsal").getStackTrace();
        assert trace.length > 0;
        for (int number = 0; number < SyscallTable.LIMIT; number++) {
            Amd64.TABLE.row(number);
        }
    }
}
