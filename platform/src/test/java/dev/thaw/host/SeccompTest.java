package dev.thaw.host;

import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Sysno.*;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A filter can not be taken off again, so each is tried in a JVM of its own. */
class SeccompTest {
    /** What the child does: installs the JVM's filter with a few rules, and says what each call gives. */
    static final class Child {
        public static void main(String[] args) throws Exception {
            Thread older = Thread.ofPlatform().unstarted(() -> {});
            Seccomp filter =
                    new Seccomp()
                            .allowJvm()
                            .allowIf(SYS_lseek, 2, -1, 1)
                            .allowIf(SYS_socket, 0, 0xff, 7, 2)
                            .refuse(SYS_getppid, 77)
                            .prepare();
            HostFiles.close(
                    HostFiles.open(
                            "/", 0,
                            0)); // loads what is used below; afterwards no class file can be opened
            HostProcess.getpid();
            StringBuilder out = new StringBuilder();
            out.append("install ").append(filter.install()).append('\n');
            older.start();
            older.join();
            List<byte[]> garbage = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                garbage.add(new byte[1 << 20]);
                if (i % 20 == 0) {
                    garbage.clear();
                }
            }
            System.gc();
            out.append("getpid ")
                    .append(RawSyscall.call(SYS_getpid, 0, 0, 0, 0, 0, 0) > 0)
                    .append('\n');
            out.append("open ").append(HostFiles.open("/etc/passwd", 0, 0)).append('\n');
            out.append("exec ")
                    .append(HostProcess.exec("/bin/true", new String[] {"true"}, new String[0]))
                    .append('\n');
            out.append("fork ").append(RawSyscall.call(SYS_clone, 17, 0, 0, 0, 0, 0)).append('\n');
            out.append("ppid ").append(RawSyscall.call(SYS_getppid, 0, 0, 0, 0, 0, 0)).append('\n');
            out.append("unix ").append(RawSyscall.call(SYS_socket, 1, 1, 0, 0, 0, 0)).append('\n');
            out.append("inet ")
                    .append(RawSyscall.call(SYS_socket, 2, 1, 0, 0, 0, 0) >= 0)
                    .append('\n');
            out.append("seek ").append(RawSyscall.call(SYS_lseek, 999, 0, 0, 0, 0, 0)).append('\n');
            long[] inThread = new long[1];
            Thread thread =
                    Thread.ofPlatform()
                            .start(
                                    () ->
                                            inThread[0] =
                                                    RawSyscall.call(SYS_ptrace, 0, 0, 0, 0, 0, 0));
            thread.join();
            out.append("thread ").append(inThread[0]).append('\n');
            System.out.write(out.toString().getBytes(StandardCharsets.US_ASCII));
            System.out.flush();
            Runtime.getRuntime().halt(0);
        }
    }

    @Test
    void filter_allowsTheJvm_andRefusesTheRest() throws Exception {
        Process child =
                new ProcessBuilder(
                                System.getProperty("java.home") + "/bin/java",
                                "-Xmx64m",
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "-Dthaw.native=" + System.getProperty("thaw.native"),
                                "-cp",
                                System.getProperty("java.class.path"),
                                Child.class.getName())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        child.getInputStream().transferTo(out);
        assertThat(child.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(out.toString(StandardCharsets.US_ASCII).lines())
                .containsExactly(
                        "install 0",
                        "getpid true",
                        "open " + -EPERM,
                        "exec " + -EPERM,
                        "fork " + -EPERM,
                        "ppid -77",
                        "unix " + -EPERM,
                        "inet true",
                        "seek " + -EPERM,
                        "thread " + -EPERM);
    }
}
