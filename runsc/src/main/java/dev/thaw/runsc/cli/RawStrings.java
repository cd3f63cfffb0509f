package dev.thaw.runsc.cli;

import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.oci.SpecReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What this process was started with, as raw bytes (ISO-8859-1): a JVM in the C locale has lost them. */
final class RawStrings {
    private RawStrings() {}

    /** The last {@code count} arguments. */
    static List<String> arguments(int count) throws SandboxException {
        List<String> all = split("/proc/self/cmdline");
        return all.subList(all.size() - count, all.size());
    }

    /** NAME=value, in order. */
    static List<String> environment() throws SandboxException {
        return split("/proc/self/environ");
    }

    static String workingDirectory() {
        return SpecReader.raw(Path.of("").toAbsolutePath().toString());
    }

    private static List<String> split(String file) throws SandboxException {
        try {
            String text =
                    new String(Files.readAllBytes(Path.of(file)), StandardCharsets.ISO_8859_1);
            return text.isEmpty()
                    ? List.of()
                    : List.of(text.substring(0, text.length() - 1).split("\0", -1));
        } catch (IOException e) {
            throw SandboxException.internal("can not read " + file + ": " + e.getMessage());
        }
    }
}
