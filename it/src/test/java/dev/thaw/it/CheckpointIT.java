package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that are frozen to an image, killed, and thawed from it: what they print is what they print when nothing happens to them. */
class CheckpointIT {
    private static final List<String> MODES =
            List.of(
                    "sleep",
                    "read",
                    "futex",
                    "futex-timeout",
                    "epoll",
                    "poll",
                    "select",
                    "wait4",
                    "itimer",
                    "posix-timer",
                    "timerfd",
                    "pending",
                    "full-pipe",
                    "files",
                    "shared");

    static Stream<Arguments> modes() {
        List<Arguments> rows = new ArrayList<>();
        for (String platform : List.of("systrap", "ptrace")) {
            for (String mode : MODES) {
                rows.add(Arguments.of(platform, mode));
            }
        }
        return rows.stream();
    }

    @ParameterizedTest
    @MethodSource("modes")
    void blockedGuest_goesOn(String platform, String mode) {
        String binary = Guests.c("blocked").toString();
        String expected = Native.run(List.of(binary, mode)).out();
        assertThat(frozenOnce(platform, "ready", 0, binary, mode)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"systrap", "ptrace"})
    void computation_isTheSameToTheBit(String platform) {
        String binary = Guests.c("compute", "-mavx2", "-mfma").toString();
        String expected = Native.run(List.of(binary, "300")).out();
        assertThat(frozenOnce(platform, "ready", 300, binary, "300")).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"systrap", "ptrace"})
    void shellLoopWithBackgroundChild_goesOn(String platform) {
        String script =
                "(sleep 1; echo background) & i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo n $i; sleep 0.03; done; wait; echo done";
        String output = frozenOnce(platform, "n 10\n", 0, "/bin/busybox", "sh", "-c", script);
        assertThat(output.lines().filter(line -> line.startsWith("n ")))
                .containsExactly(numbered(40));
        assertThat(output).containsOnlyOnce("background\n").endsWith("done\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"systrap", "ptrace"})
    void pythonFamily_goesOn(String platform) {
        String[] command = {"/usr/bin/python3", Guests.python("family.py").toString(), "100"};
        String expected = Native.run(List.of(command)).out();
        assertThat(frozenOnce(platform, "n 20\n", 0, command)).isEqualTo(expected);
    }

    @Test
    void memory_isIntactAfterRestore() {
        String binary = Guests.c("memory").toString();
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle = runsc.bundle(binary, "512");
            Path before = runsc.runDetached("a", bundle);
            Runsc.awaitText(before, "tick 20 ");
            Path image = runsc.work().resolve("image");
            runsc.run("checkpoint", "--image-path", image.toString(), "a").succeeds();
            runsc.run("delete", "--force", "a").succeeds();
            Path after = runsc.restoreDetached("b", image, bundle);
            Runsc.awaitText(after, "tick ");
            Runsc.awaitGrowth(after, 4000);
            List<Integer> ticks = ticks(before, after); // read once: the guest goes on
            assertThat(ticks).isEqualTo(sequence(ticks.size()));
            assertThat(Runsc.read(after)).doesNotContain("wrong");
        }
    }

    @Test
    void oneImage_threeTimesAtOnce() {
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle =
                    runsc.bundle("/usr/bin/python3", Guests.python("family.py").toString(), "100");
            Path before = runsc.runDetached("a", bundle);
            Runsc.awaitText(before, "n 20\n");
            Path image = runsc.work().resolve("image");
            runsc.run("checkpoint", "--image-path", image.toString(), "a").succeeds();
            String start = Runsc.read(before);
            runsc.run("delete", "--force", "a").succeeds();
            List<Path> outputs = new ArrayList<>();
            for (String id : List.of("x", "y", "z")) {
                outputs.add(runsc.restoreDetached(id, image, bundle));
            }
            String expected =
                    Native.run(
                                    List.of(
                                            "/usr/bin/python3",
                                            Guests.python("family.py").toString(),
                                            "100"))
                            .out();
            for (int i = 0; i < 3; i++) {
                assertThat(runsc.awaitExit(List.of("x", "y", "z").get(i))).isZero();
                assertThat(start + Runsc.read(outputs.get(i))).isEqualTo(expected);
            }
        }
    }

    @Test
    void leaveRunning_sourceAndCopyBothGoOn() {
        try (Runsc runsc = new Runsc("systrap")) {
            Path bundle =
                    runsc.bundle("/usr/bin/python3", Guests.python("family.py").toString(), "100");
            Path source = runsc.runDetached("a", bundle);
            Runsc.awaitText(source, "n 20\n");
            Path image = runsc.work().resolve("image");
            runsc.run("checkpoint", "--leave-running", "--image-path", image.toString(), "a")
                    .succeeds();
            Path copy = runsc.restoreDetached("b", image, bundle);
            String expected =
                    Native.run(
                                    List.of(
                                            "/usr/bin/python3",
                                            Guests.python("family.py").toString(),
                                            "100"))
                            .out();
            assertThat(runsc.awaitExit("a")).isZero();
            assertThat(runsc.awaitExit("b")).isZero();
            assertThat(Runsc.read(source)).isEqualTo(expected);
            assertThat(expected).endsWith(Runsc.read(copy));
        }
    }

    @Test
    void twentyCycles_loseNoByte() {
        try (Runsc runsc = new Runsc("systrap")) {
            String script =
                    "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo n $i; sleep 0.01; done";
            Path bundle = runsc.bundle("/bin/busybox", "sh", "-c", script);
            StringBuilder all = new StringBuilder();
            Path output = runsc.runDetached("c0", bundle);
            for (int cycle = 1; cycle <= 20; cycle++) {
                Runsc.awaitGrowth(output, 10);
                Path image = runsc.work().resolve("image" + cycle);
                runsc.run("checkpoint", "--image-path", image.toString(), "c" + (cycle - 1))
                        .succeeds();
                all.append(Runsc.read(output));
                runsc.run("delete", "--force", "c" + (cycle - 1)).succeeds();
                output = runsc.restoreDetached("c" + cycle, image, bundle);
            }
            Runsc.awaitGrowth(output, 10);
            runsc.run("pause", "c20").succeeds();
            all.append(Runsc.read(output));
            assertThat(all.toString().lines())
                    .containsExactly(numbered((int) all.toString().lines().count()));
        }
    }

    /** Runs {@code command}, freezes it {@code delayMs} after it printed {@code mark}, kills it, thaws it, and returns all it printed. */
    private static String frozenOnce(
            String platform, String mark, long delayMs, String... command) {
        try (Runsc runsc = new Runsc(platform)) {
            Path bundle = runsc.bundle(command);
            Path before = runsc.runDetached("a", bundle);
            Runsc.awaitText(before, mark);
            Runsc.pause(delayMs);
            Path image = runsc.work().resolve("image");
            runsc.run("checkpoint", "--image-path", image.toString(), "a").succeeds();
            runsc.run("delete", "--force", "a").succeeds();
            Path after = runsc.restoreDetached("b", image, bundle);
            assertThat(runsc.awaitExit("b"))
                    .as(() -> Runsc.read(before) + Runsc.read(after))
                    .isZero();
            return Runsc.read(before) + Runsc.read(after);
        }
    }

    private static String[] numbered(int count) {
        String[] lines = new String[count];
        for (int i = 0; i < count; i++) {
            lines[i] = "n " + (i + 1);
        }
        return lines;
    }

    private static List<Integer> ticks(Path... outputs) {
        List<Integer> found = new ArrayList<>();
        for (Path output : outputs) {
            String text = Runsc.read(output);
            for (String line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n")) {
                found.add(Integer.parseInt(line.split(" ")[1]));
            }
        }
        return found;
    }

    private static List<Integer> sequence(int count) {
        List<Integer> numbers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            numbers.add(i);
        }
        return numbers;
    }
}
