package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** {@code bin/runsc} with a state directory of its own, as a person would call it. {@link #close} kills what is left and checks that nothing stays. */
final class Runsc implements AutoCloseable {
    /** What a command gave. */
    record Result(int status, String out, String err) {
        Result succeeds() {
            assertThat(status).as(() -> "out: " + out + "\nerr: " + err).isZero();
            return this;
        }

        Result failsWith(int expected) {
            assertThat(status).as(() -> "out: " + out + "\nerr: " + err).isEqualTo(expected);
            return this;
        }
    }

    private static final long TIMEOUT_SECONDS = 120;

    private final Path work;
    private final Path state;
    private final String platform;
    private final Map<String, String> environment = new HashMap<>();
    private int serial;

    Runsc(String platform) {
        try {
            this.work = Files.createTempDirectory("thaw-it-");
            this.state = Files.createDirectory(work.resolve("state"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        this.platform = platform;
    }

    /** Sets an environment variable of all commands to come. */
    void setEnvironment(String name, String value) {
        environment.put(name, value);
    }

    Path work() {
        return work;
    }

    /** Runs a command to its end. */
    Result run(String... args) {
        return await(start(List.of(args), null), TIMEOUT_SECONDS);
    }

    /** {@code runsc do COMMAND…} to its end. */
    Result runDo(String... command) {
        List<String> args = new ArrayList<>(List.of("do"));
        args.addAll(List.of(command));
        return run(args.toArray(String[]::new));
    }

    /** A bundle whose root is the host's, to run {@code command}. */
    Path bundle(String... command) {
        return bundle("", command);
    }

    /** A bundle with {@code extra} JSON members ("\"linux\":{…}"). */
    Path bundle(String extra, String[] command) {
        Path bundle = work.resolve("bundle" + serial++);
        StringBuilder args = new StringBuilder();
        for (String word : command) {
            args.append(args.isEmpty() ? "" : ",")
                    .append('"')
                    .append(word.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"))
                    .append('"');
        }
        String config =
                """
                {"ociVersion":"1.0.2","process":{"user":{"uid":0,"gid":0},"args":[%s],"env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOME=/root","LANG=C.UTF-8"],"cwd":"/"},
                 "root":{"path":"/","readonly":false},"hostname":"thaw",
                 "mounts":[{"destination":"/proc","type":"proc","source":"proc"},{"destination":"/dev","type":"tmpfs","source":"tmpfs"}]%s}
                """
                        .formatted(args, extra.isEmpty() ? "" : "," + extra);
        try {
            Files.createDirectory(bundle);
            Files.writeString(bundle.resolve("config.json"), config);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return bundle;
    }

    /** {@code run --detach} with output to a file, which is returned. */
    Path runDetached(String id, Path bundle) {
        Path output = work.resolve(id + ".out");
        await(
                        start(
                                List.of("run", "--detach", "--bundle", bundle.toString(), id),
                                output),
                        TIMEOUT_SECONDS)
                .succeeds();
        return output;
    }

    /** {@code restore --detach} with output to a file, which is returned. */
    Path restoreDetached(String id, Path image, Path bundle) {
        Path output = work.resolve(id + ".out");
        await(
                        start(
                                List.of(
                                        "restore",
                                        "--detach",
                                        "--image-path",
                                        image.toString(),
                                        "--bundle",
                                        bundle.toString(),
                                        id),
                                output),
                        TIMEOUT_SECONDS)
                .succeeds();
        return output;
    }

    /** {@code wait ID}: the container's exit status. */
    int awaitExit(String id) {
        Result result = run("wait", id);
        assertThat(result.out().trim()).as(result.err()).matches("\\d+");
        return Integer.parseInt(result.out().trim());
    }

    /** The host pid that {@code state ID} names. */
    long sandboxPid(String id) {
        String json = run("state", id).succeeds().out();
        java.util.regex.Matcher pid =
                java.util.regex.Pattern.compile("\"pid\"\\s*:\\s*(\\d+)").matcher(json);
        assertThat(pid.find()).as(json).isTrue();
        return Long.parseLong(pid.group(1));
    }

    /** Starts a command; stdout goes to {@code output}, or a file of the call's own when null. stdin is /dev/null. */
    Running start(List<String> args, @org.jspecify.annotations.Nullable Path output) {
        List<String> command = new ArrayList<>();
        command.add(Guests.ROOT.resolve("bin/runsc").toString());
        command.addAll(List.of("--root", state.toString(), "--platform", platform));
        command.addAll(args);
        try {
            Path out = output != null ? output : Files.createTempFile(work, "out", "");
            Path err = Files.createTempFile(work, "err", "");
            ProcessBuilder builder =
                    new ProcessBuilder(command)
                            .redirectInput(Path.of("/dev/null").toFile())
                            .redirectOutput(out.toFile())
                            .redirectError(err.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            return new Running(process, out, err, String.join(" ", args));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A command under way. */
    record Running(Process process, Path out, Path err, String what) {}

    static Result await(Running running, long seconds) {
        try {
            if (!running.process.waitFor(seconds, TimeUnit.SECONDS)) {
                running.process.destroyForcibly();
                throw new AssertionError(
                        "no end in "
                                + seconds
                                + " s: "
                                + running.what
                                + "\nout: "
                                + read(running.out)
                                + "\nerr: "
                                + read(running.err));
            }
            return new Result(running.process.exitValue(), read(running.out), read(running.err));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Waits until {@code file} contains {@code text}. */
    static void awaitText(Path file, String text) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!read(file).contains(text)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("no '" + text + "' in 60 s; there is: " + read(file));
            }
            pause(5);
        }
    }

    /** Waits until {@code file} has more than {@code bytes} bytes. */
    static void awaitGrowth(Path file, long bytes) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (read(file).length() <= bytes) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("no more than " + bytes + " bytes in 60 s: " + read(file));
            }
            pause(5);
        }
    }

    static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Lets {@code ms} milliseconds go by. */
    static void pause(long ms) {
        try {
            TimeUnit.MILLISECONDS.sleep(ms);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Pids of live processes whose command line names this runsc's state directory or its sandboxes. */
    List<String> processes() {
        List<String> found = new ArrayList<>();
        try (Stream<Path> entries = Files.list(Path.of("/proc"))) {
            for (Path entry : (Iterable<Path>) entries::iterator) {
                String pid = entry.getFileName().toString();
                if (!pid.matches("\\d+")) {
                    continue;
                }
                try {
                    String line =
                            Files.readString(entry.resolve("cmdline"), StandardCharsets.ISO_8859_1)
                                    .replace('\0', ' ');
                    if (line.contains(state.toString())) {
                        found.add(pid + " " + line);
                    }
                } catch (IOException e) {
                    // it ended meanwhile
                }
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return found;
    }

    @Override
    public void close() {
        for (String id : run("list", "--quiet").out().split("\\s+")) {
            if (!id.isEmpty()) {
                run("delete", "--force", id);
            }
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!processes().isEmpty() && System.nanoTime() < deadline) {
            pause(20);
        }
        assertThat(processes()).as("processes left behind").isEmpty();
        assertThat(state.toFile().list())
                .as("what was found out about images may stay, nothing else")
                .isSubsetOf(".verified");
        try (Stream<Path> files = Files.walk(work)) {
            files.sorted(java.util.Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
