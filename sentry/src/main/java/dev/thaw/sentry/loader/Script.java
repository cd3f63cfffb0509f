package dev.thaw.sentry.loader;

import static dev.thaw.abi.Errno.ENOEXEC;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The first line of a {@code #!} script ({@code fs/binfmt_script.c}). */
record Script(String interpreter, @Nullable String argument) {
    /** How much of a file's beginning is looked at (BINPRM_BUF_SIZE). */
    static final int HEAD = 256;

    static boolean isScript(byte[] head) {
        return head.length >= 2 && head[0] == '#' && head[1] == '!';
    }

    static Script parse(byte[] head) throws ErrnoException {
        int end = 2;
        while (end < head.length && head[end] != '\n' && head[end] != 0) {
            end++;
        }
        boolean whole = end < head.length || head.length < HEAD;
        int start = skipBlanks(head, 2, end);
        int nameEnd = start;
        while (nameEnd < end && !isBlank(head[nameEnd])) {
            nameEnd++;
        }
        if (nameEnd == start || (nameEnd == end && !whole)) {
            throw errno(ENOEXEC); // no interpreter, or its name is cut off
        }
        int argument = skipBlanks(head, nameEnd, end);
        while (end > argument && isBlank(head[end - 1])) {
            end--;
        }
        return new Script(
                new String(head, start, nameEnd - start, StandardCharsets.ISO_8859_1),
                argument == end
                        ? null
                        : new String(head, argument, end - argument, StandardCharsets.ISO_8859_1));
    }

    private static int skipBlanks(byte[] head, int from, int end) {
        int at = from;
        while (at < end && isBlank(head[at])) {
            at++;
        }
        return at;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }
}
