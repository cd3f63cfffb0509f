package dev.thaw.gofer;

import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Fcntl.*;
import static dev.thaw.gofer.GoferProtocol.SET_MODE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostProcess;
import dev.thaw.host.HostSockets;
import dev.thaw.host.HostStat;
import dev.thaw.host.Wire;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gofer as a process of its own, confined. */
class GoferMainTest {
    private static final int HOST = 1;

    @TempDir Path directory;
    private int pid;
    private GoferClient client;

    @BeforeEach
    void spawn() throws Exception {
        int[] ends = new int[2];
        assertThat(HostSockets.socketpair(Wire.SOCKET_TYPE, ends)).isZero();
        int root = HostFiles.open(directory.toString(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        int host = HostFiles.open("/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        String java = System.getProperty("java.home") + "/bin/java";
        String[] command = {
            java,
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "-Dthaw.native=" + System.getProperty("thaw.native"),
            "-cp",
            System.getProperty("java.class.path"),
            "dev.thaw.gofer.GoferMain",
            "" + ends[1],
            root + ":rw:data",
            host + ":ro:host",
        };
        pid = HostProcess.spawn(java, command, new String[0], 0, 1, 2, ends[1], root, host);
        assertThat(pid).isPositive();
        HostFiles.close(ends[1]);
        HostFiles.close(root);
        HostFiles.close(host);
        client = new GoferClient(ends[0]);
    }

    @AfterEach
    void end() {
        client.close();
        int[] status = new int[1];
        assertThat(HostProcess.waitpid(pid, 0, status)).isEqualTo(pid);
        assertThat(status[0]).as("it ends with its client").isZero();
    }

    @Test
    void servesAfterItHasGivenUpEverythingElse() throws Exception {
        HostStat stat = new HostStat();
        assertThat(client.roots()).extracting(GoferRoot::name).containsExactly("data", "host");
        int fd = client.create(0, "f", O_RDWR, 0x1a4, 1, 2, stat);
        assertThat(fd).isPositive();
        HostFiles.close(fd);
        assertThat(client.setattr(0, "f", SET_MODE, 0x180, 0, 0, 0, 0, 0, stat)).isZero();
        assertThat(client.mkdir(0, "d", 0x1ff, 0, 0, stat)).isZero();
        assertThat(stat.mode).as("no umask").isEqualTo(S_IFDIR | 0x1ff);
        assertThat(client.rename(0, "f", 0, "d/g", 0)).isZero();
        assertThat(client.link(0, "d/g", 0, "h")).isZero();
        assertThat(client.fsync(0, "d")).isZero();
        assertThat(Files.getAttribute(directory.resolve("d/g"), "unix:uid")).isEqualTo(1);

        List<String> status = Files.readAllLines(Path.of("/proc/" + pid + "/status"));
        assertThat(status).contains("NoNewPrivs:\t1", "Seccomp:\t2");
        assertThat(Files.readSymbolicLink(Path.of("/proc/" + pid + "/root")).toString())
                .endsWith(" (deleted)");
    }

    @Test
    void hostRoot_servesFilesButNotTheKernelsOwnFileSystems() {
        HostStat stat = new HostStat();
        List<DirectoryEntry> entries = new ArrayList<>();
        assertThat(client.stat(HOST, "etc/passwd", stat)).isZero();
        assertThat(client.stat(HOST, "proc", stat)).as("a place to mount on").isZero();
        assertThat(client.readdir(HOST, "proc", entries)).isZero();
        assertThat(entries).isEmpty();
        assertThat(client.stat(HOST, "proc/1/environ", stat)).isEqualTo(-ENOENT);
        assertThat(client.open(HOST, "sys/kernel/uevent_seqnum", O_RDONLY)).isEqualTo(-ENOENT);
    }

    @Test
    void largeWork_survivesGarbageCollectionUnderTheFilter() {
        for (int i = 0; i < 200; i++) {
            List<DirectoryEntry> entries = new ArrayList<>();
            assertThat(client.readdir(HOST, "usr/bin", entries)).isZero();
            assertThat(entries).isNotEmpty();
        }
    }
}
