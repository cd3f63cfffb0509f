package dev.thaw.runsc.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Programs that are frozen to an image, killed and thawed at (some or all of) their system calls print and return what they do natively. {@code -Dtorture=whole} takes every program, both platforms, and
 * each call of the small ones, with and without killing ({@code it/bench/torture}); {@code -Dtorture=cycles} is one program through some 10 000 images.
 */
final class TortureTest {
    private static final boolean WHOLE = "whole".equals(System.getProperty("torture"));
    private static final Path GUESTS = guests();

    private static final List<String> BLOCKED =
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

    private static final String PIPELINE =
            "seq 1 100 | busybox grep 7 | busybox wc -l; for i in a b c; do echo $i; done | tr a-c A-C";
    private static final String SIGNALS =
            "trap 'echo got' USR1; kill -USR1 $$; echo $(echo sub $(echo sub)); a=(1 2 3); echo ${#a[@]}; read x < <(echo p); echo $x";
    private static final String JOBS =
            "(sleep 0.2; echo late) & (echo early); wait; echo both; false || exit 3";
    private static final String PERL =
            "my %h = map { $_ => $_ ** 2 } 1..10; print join(',', map { \"$_=$h{$_}\" } sort { $a <=> $b } keys %h), \"\\n\"; print `echo child`; exit 4";
    private static final String FILES =
            "set -e; cd $(mktemp -d); mkdir -p d/e; for i in 1 2 3; do echo line $i > d/e/f$i; done; tar cf d.tar d; rm -r d; tar xf d.tar; find d | sort; cat d/e/*;"
                    + " seq 1 5000 | sort -r | sort -n | md5sum; ln -s d/e l; ls l; mv d/e/f1 d/g; cp -r d c; diff -r c d && echo same; wc -c d.tar";

    @TempDir Path temp;

    private static Path guests() {
        Path here = Path.of("it/src/guest").toAbsolutePath();
        return Files.exists(here) ? here : Path.of("../it/src/guest").toAbsolutePath().normalize();
    }

    static Stream<Arguments> rows() {
        List<Arguments> rows = new ArrayList<>();
        List<String> platforms = List.of("systrap", "ptrace");
        if ("cycles".equals(System.getProperty("torture"))) { // about 10 000 of them
            add(rows, "systrap", true, "random=1,60", "guest:cycles", "53000");
            return rows.stream();
        }
        if (WHOLE) {
            for (String platform : platforms) {
                for (boolean kill : new boolean[] {true, false}) {
                    small(rows, platform, kill, "every=1");
                    for (int seed = 1; seed <= 3; seed++) {
                        small(rows, platform, kill, "random=" + seed + ",7");
                        large(rows, platform, kill, seed);
                    }
                }
                small(rows, platform, true, "ms=1,20");
                small(rows, platform, true, "ms=2,60");
            }
            return rows.stream();
        }
        small(rows, "systrap", true, "random=1,9");
        large(rows, "systrap", true, 1);
        add(rows, "systrap", true, "random=1,30", "guest:cycles", "60");
        add(rows, "ptrace", true, "every=2", "busybox", "sh", "-c", PIPELINE);
        add(rows, "ptrace", true, "random=1,20", "guest:threads");
        add(rows, "systrap", true, "at=4", "/usr/bin/env", "bash", "-c", "exit 2");
        add(rows, "systrap", true, "every=5", "/usr/bin/env", "bash", "-c", "exit 2");
        add(rows, "systrap", false, "every=1", "guest:socket_calls");
        add(rows, "systrap", true, "ms=1,30", "guest:threads");
        return rows.stream();
    }

    /** Programs of some hundreds of calls; {@code events} fills a pipe byte by byte, so never at each call. */
    private static void small(List<Arguments> rows, String platform, boolean kill, String plan) {
        add(rows, platform, kill, plan.equals("random=1,9") ? "every=1" : plan, "/bin/true");
        add(rows, platform, kill, plan, "busybox", "sh", "-c", PIPELINE);
        add(rows, platform, kill, plan, "bash", "-c", SIGNALS);
        add(rows, platform, kill, plan, "bash", "-c", JOBS);
        for (String mode : BLOCKED) {
            add(rows, platform, kill, plan, "guest:blocked", mode);
        }
        for (String kind : List.of("memfds", "locks", "files", "processes", "sockets", "clocks")) {
            add(rows, platform, kill, plan, "guest:kinds", kind);
        }
        for (String guest : List.of("event_calls", "inotify_calls", "socket_calls", "threads")) {
            if (!plan.startsWith("ms") || !guest.equals("event_calls")) { // it looks at times
                add(rows, platform, kill, plan, "guest:" + guest);
            }
        }
        add(rows, platform, kill, plan.startsWith("ms") ? plan : "random=1,90", "guest:events");
        add(rows, platform, kill, plan, "guest:compute", "20");
    }

    private static void large(List<Arguments> rows, String platform, boolean kill, int seed) {
        add(rows, platform, kill, "random=" + seed + ",60", "perl", "-e", PERL);
        add(rows, platform, kill, "random=" + seed + ",120", "bash", "-c", FILES);
        add(
                rows,
                platform,
                kill,
                "random=" + seed + ",150",
                "/usr/bin/python3",
                GUESTS.resolve("python/family.py").toString(),
                "20");
        if (WHOLE) {
            String compile =
                    "cd $(mktemp -d) && gcc -O1 -pthread -o threads "
                            + GUESTS.resolve("c/threads.c")
                            + " && ./threads";
            add(rows, platform, kill, "random=" + seed + ",400", "bash", "-c", compile);
        }
    }

    private static void add(
            List<Arguments> rows, String platform, boolean kill, String plan, String... command) {
        rows.add(Arguments.of(platform, kill ? "kill" : "keep", plan, List.of(command)));
    }

    @ParameterizedTest
    @MethodSource("rows")
    void program_behavesAsNatively(String platform, String mode, String plan, List<String> program)
            throws Exception {
        List<String> command = new ArrayList<>(program);
        if (command.getFirst().startsWith("guest:")) {
            command.set(0, compile(command.getFirst().substring(6)).toString());
        }
        Torture.Outcome expected = Torture.natively(temp, command);
        Torture.Outcome outcome =
                Torture.run(platform, temp, command, Torture.Plan.of(plan), mode.equals("kill"));
        assertThat(outcome.out()).as(outcome.err()).isEqualTo(expected.out());
        assertThat(outcome.code()).isEqualTo(expected.code());
        assertThat(outcome.err()).isEqualTo(expected.err());
        assertThat(outcome.cycles()).isPositive();
    }

    private static Path compile(String guest) throws Exception {
        Path binary =
                Path.of(System.getProperty("java.io.tmpdir"))
                        .resolve("torture-" + ProcessHandle.current().pid() + "-" + guest);
        if (Files.exists(binary)) {
            return binary;
        }
        Process gcc =
                new ProcessBuilder(
                                "gcc",
                                "-O2",
                                "-w",
                                "-static",
                                "-pthread",
                                "-mavx2",
                                "-mfma",
                                "-o",
                                binary.toString(),
                                GUESTS.resolve("c/" + guest + ".c").toString())
                        .inheritIO()
                        .start();
        assertThat(gcc.waitFor()).isZero();
        binary.toFile().deleteOnExit();
        return binary;
    }
}
