package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The host's processes, as tests look at them. */
final class Processes {
    /** Pids of {@code pid}, its children and theirs. */
    static List<String> descendants(long pid) {
        List<String> found = new ArrayList<>(List.of(Long.toString(pid)));
        ProcessHandle.of(pid)
                .ifPresent(
                        handle ->
                                handle.descendants()
                                        .forEach(child -> found.add(Long.toString(child.pid()))));
        return found;
    }

    /** Kills the sandbox's own process, its gofer, or one of its stubs with SIGKILL. */
    static void kill(Runsc runsc, String id, String victim) {
        long sandbox = runsc.sandboxPid(id);
        long pid =
                switch (victim) {
                    case "sandbox" -> sandbox;
                    case "gofer" -> find(runsc, "GoferMain");
                    case "stub" -> stub(sandbox);
                    default -> throw new IllegalArgumentException(victim);
                };
        assertThat(Native.run(List.of("kill", "-9", Long.toString(pid))).status()).isZero();
    }

    private static long stub(long sandbox) {
        for (String pid : descendants(sandbox)) {
            if (command(pid).contains("stub")) {
                return Long.parseLong(pid);
            }
        }
        throw new AssertionError("no stub under " + sandbox);
    }

    private static long find(Runsc runsc, String word) {
        for (String line : runsc.processes()) {
            if (line.contains(word)) {
                return Long.parseLong(line.split(" ")[0]);
            }
        }
        throw new AssertionError("no process with " + word + " in " + runsc.processes());
    }

    static String command(String pid) {
        try {
            return Files.readString(Path.of("/proc", pid, "cmdline"), StandardCharsets.ISO_8859_1)
                            .replace('\0', ' ')
                    + Files.readString(Path.of("/proc", pid, "comm"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    /** Waits until none of {@code pids} lives (a zombie counts as gone). */
    static void awaitGone(List<String> pids) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (true) {
            List<String> alive = pids.stream().filter(Processes::lives).toList();
            if (alive.isEmpty()) {
                return;
            }
            assertThat(System.nanoTime())
                    .as(() -> "still there: " + alive.stream().map(Processes::command).toList())
                    .isLessThan(deadline);
            Runsc.pause(20);
        }
    }

    private static boolean lives(String pid) {
        try {
            return !Files.readString(Path.of("/proc", pid, "stat"))
                    .replaceFirst(".*\\) ", "")
                    .startsWith("Z");
        } catch (IOException e) {
            return false;
        }
    }

    private Processes() {}
}
