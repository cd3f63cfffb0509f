package dev.thaw.sentry.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.abi.Signals;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Real programs on a kernel in this JVM, over a real platform. The programs check themselves and say the same on Linux, where they run first. */
class GuestProgramsTest {
    private static Path compile(String name) throws Exception {
        try (InputStream in =
                GuestProgramsTest.class.getResourceAsStream("/guests/" + name + ".c")) {
            return GuestRunner.compile(name, new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private static void passesOnLinux(Path program) throws Exception {
        Process process = new ProcessBuilder(program.toString()).redirectErrorStream(true).start();
        String output =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output.lines().filter(line -> !line.startsWith("ok"))).containsExactly("done");
    }

    private static void passesHere(Path program) throws Exception {
        try (GuestRunner runner = new GuestRunner()) {
            runner.install(program, "/guest");
            int status = runner.run("/guest");
            assertThat(runner.text().lines().filter(line -> !line.startsWith("ok")))
                    .containsExactly("done");
            assertThat(status).isZero();
        }
    }

    @Test
    void signals_framesRestartsTimersJobControl() throws Exception {
        Path program = compile("signals");
        passesOnLinux(program);
        passesHere(program);
    }

    @Test
    void processes_futexesExecIdentityClocks() throws Exception {
        Path program = compile("processes");
        if ("root".equals(System.getProperty("user.name"))) {
            passesOnLinux(program);
        }
        passesHere(program);
    }

    @Test
    void hostileCalls_neverEndTheSentry() throws Exception {
        Path program = compile("hostile");
        try (GuestRunner runner = new GuestRunner()) {
            runner.install(program, "/guest");
            int status = runner.run("/guest", "3", "25");
            assertThat(runner.kernel.endFuture().join()).isNull();
            assertThat(runner.text()).contains("fuzz done");
            assertThat(status).isZero();
        }
    }

    @Test
    void pidsLimit_failsFork() throws Exception {
        Path program =
                GuestRunner.compile(
                        "pids",
                        """
                        #include <unistd.h>
                        #include <errno.h>
                        int main() { int n = 0; while (1) { int p = fork(); if (p == 0) pause(); if (p < 0) break; n++; } return errno == EAGAIN ? n : 99; }
                        """);
        try (GuestRunner runner = new GuestRunner(false, 5)) {
            runner.install(program, "/guest");
            assertThat(runner.run("/guest")).isEqualTo(4 << 8);
        }
    }

    @Test
    void init_ignoresUnhandledSignalsButNotKillFromOutside() throws Exception {
        Path program =
                GuestRunner.compile(
                        "sleeper",
                        "#include <unistd.h>\nint main() { write(1, \"up\", 2); while (1) pause(); }");
        try (GuestRunner runner = new GuestRunner()) {
            runner.install(program, "/guest");
            ThreadGroup init = runner.create(Credentials.root(), "/guest");
            runner.kernel.start(init);
            while (!runner.text().equals("up")) {
                Thread.onSpinWait();
            }
            runner.kernel.signal(1, Signals.SIGTERM);
            runner.kernel.pause();
            assertThat(init.isDead()).isFalse();
            runner.kernel.resume();
            runner.kernel.signal(1, Signals.SIGKILL);
            assertThat(runner.await(init)).isEqualTo(Signals.SIGKILL);
        }
    }

    @Test
    void pause_holdsBlockedRunningStoppedAndForkingTasks() throws Exception {
        Path program =
                GuestRunner.compile(
                        "busy",
                        """
                        #include <unistd.h>
                        #include <signal.h>
                        #include <time.h>
                        #include <sys/wait.h>
                        #include <stdio.h>
                        int main() {
                            int st;
                            if (!fork()) for (;;) ;
                            if (!fork()) { raise(SIGSTOP); _exit(1); }
                            if (!fork()) { if (!vfork()) { sleep(100); _exit(0); } _exit(0); }
                            for (int i = 0; i < 60; i++) { int c = fork(); if (!c) _exit(3); waitpid(c, &st, 0); if (WEXITSTATUS(st) != 3) return 1; }
                            struct timespec t = {0, 300000000};
                            return nanosleep(&t, &t) == 0 ? 42 : 2;
                        }
                        """);
        try (GuestRunner runner = new GuestRunner()) {
            runner.install(program, "/guest");
            ThreadGroup init = runner.create(Credentials.root(), "/guest");
            runner.kernel.start(init);
            for (int i = 0; i < 25 && !init.isDead(); i++) {
                runner.kernel.pause();
                for (ThreadGroup group : runner.kernel.tasks().groups()) {
                    for (Task task : group.tasks()) {
                        assertThat(task.runLoop.isSafe()).as("%s", task).isTrue();
                    }
                }
                runner.kernel.resume();
                java.util.concurrent.locks.LockSupport.parkNanos(3_000_000);
            }
            assertThat(runner.await(init)).isEqualTo(42 << 8);
        }
    }
}
