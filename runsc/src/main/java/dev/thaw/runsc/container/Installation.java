package dev.thaw.runsc.container;

import dev.thaw.runsc.SandboxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Where Thaw's parts lie. Installed ({@code thaw.home} is set by bin/runsc) that is one directory: lib/*.jar, native/, aot/*.aot. Without it the children get this process's
 * own class path, and native parts come from {@code thaw.native}.
 */
public record Installation(Path java, String classPath, Path nativeDirectory, Path aotDirectory) {
    /** Whether this is the run of the build that makes the class caches: the children write them at their end, and so are not confined. */
    static final boolean TRAINING = Boolean.getBoolean("thaw.aot.train");

    /** Flags that every JVM of a sandbox gets: small, and nothing left in the host's file system. */
    private static final List<String> COMMON =
            List.of(
                    "-XX:+UseSerialGC",
                    "-XX:+UseCompactObjectHeaders",
                    "-XX:-UsePerfData",
                    "-XX:+DisableAttachMechanism",
                    "-Xss512k",
                    "-XX:ReservedCodeCacheSize=48m",
                    "-XX:-CreateCoredumpOnCrash",
                    "-Djdk.reflect.useNativeAccessorOnly=true",
                    "-XX:ErrorFile=/dev/stderr",
                    "-XX:+UnlockDiagnosticVMOptions",
                    "-XX:ArchiveRelocationMode=0", // the class cache where it was made for: 25 MiB
                    // less to copy and relocate
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow");

    /**
     * When to compile, by kind. Profiles kept from the training run would have a start compile what it does not need (measured: 273 to 261 ms without). The Sentry by C1 alone, since C2 wants a
     * processor for its threads while guest and Sentry keep two busy: on two cores the first 50 000 calls of each kind take 950 and not 1500 ns (getpid), 1.1 and not 3.5 us (pread of 4 KiB); after
     * three million calls C2 would win, by 840 to 785 ns and 1.10 to 0.63 us. It compiles early: 5000 times open and close take 6.8 us each, with the usual thresholds 8, and a start 20 ms more. The
     * gofer compiles late: most answer some hundred requests.
     */
    private static final Map<String, List<String>> COMPILER =
            Map.of(
                    "boot",
                            List.of(
                                    "-XX:TieredStopAtLevel=1",
                                    "-XX:CICompilerCount=1",
                                    "-XX:CompileThresholdScaling=0.25",
                                    "-XX:-AOTReplayTraining",
                                    "-XX:TrimNativeHeapInterval=5000"),
                    "gofer",
                            List.of(
                                    "-XX:TieredStopAtLevel=1",
                                    "-XX:CICompilerCount=1",
                                    "-XX:CompileThresholdScaling=10",
                                    "-XX:-AOTReplayTraining"));

    /** The installation this process was started from. */
    public static Installation current() throws SandboxException {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        String home = System.getProperty("thaw.home");
        if (home != null) {
            Path directory = Path.of(home).toAbsolutePath();
            return new Installation(
                    java,
                    classPath(directory),
                    directory.resolve("native"),
                    directory.resolve("aot"));
        }
        String nativeDirectory = System.getProperty("thaw.native");
        if (nativeDirectory == null) {
            throw SandboxException.internal(
                    "neither -Dthaw.home nor -Dthaw.native says where Thaw's native parts are");
        }
        return new Installation(
                java,
                System.getProperty("java.class.path"),
                Path.of(nativeDirectory).toAbsolutePath(),
                Path.of("/nonexistent"));
    }

    /** The class path that the caches in {@code directory} were made for: the server's own is another one, and longer. */
    private static String classPath(Path directory) {
        try {
            return Files.readString(directory.resolve("classpath")).strip();
        } catch (IOException e) {
            return System.getProperty("java.class.path");
        }
    }

    /** The program that starts and outlives gofer and sandbox. */
    public Path launcher() {
        return nativeDirectory.resolve("thaw-launch");
    }

    /** The command line of a JVM of the given kind ("boot", "gofer"), up to and with the main class. */
    public List<String> command(String kind, Path container, String mainClass, int maxHeapMiB) {
        ArrayList<String> command = new ArrayList<>();
        command.add(java.toString());
        command.addAll(COMMON);
        command.add("-Xms8m");
        command.add("-Xmx" + maxHeapMiB + "m");
        Path aot = aotDirectory.resolve(kind + ".aot");
        if (TRAINING) {
            command.add("-XX:AOTCacheOutput=" + aot);
            command.add("-Dthaw.aot.train=true");
        } else {
            command.addAll(COMPILER.getOrDefault(kind, List.of()));
            if (Files.exists(aot)) {
                command.add("-XX:AOTCache=" + aot);
            }
        }
        String extra =
                System.getenv("THAW_JVM_" + kind.toUpperCase(Locale.ROOT)); // for those who measure
        if (extra != null && !extra.isBlank()) {
            command.addAll(List.of(extra.strip().split("\\s+")));
        }
        command.add("-Dthaw.native=" + nativeDirectory);
        command.add("-Dthaw.container=" + container); // tells people whose process it is
        Path zstd = nativeDirectory.resolve("libzstd-jni.so");
        if (Files.exists(zstd)) {
            command.add("-DZstdNativePath=" + zstd);
        }
        command.add("-cp");
        command.add(classPath);
        command.add(mainClass);
        return command;
    }
}
