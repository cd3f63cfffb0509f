package dev.thaw.host;

import static dev.thaw.abi.Errno.EMSGSIZE;
import static dev.thaw.abi.Fcntl.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WireTest {
    private static Wire[] pair() {
        int[] ends = new int[2];
        assertThat(HostSockets.socketpair(Wire.SOCKET_TYPE, ends)).isZero();
        return new Wire[] {new Wire(ends[0]), new Wire(ends[1])};
    }

    @Test
    void message_arrivesAsItWasWritten() throws Exception {
        Wire[] ends = pair();
        try (Wire a = ends[0];
                Wire b = ends[1]) {
            a.out()
                    .reset()
                    .u8(200)
                    .u16(60_000)
                    .i32(-5)
                    .i64(Long.MIN_VALUE)
                    .string("\u00e9\u0000x")
                    .utf8("é✓")
                    .bytes(new byte[] {1, 2});
            assertThat(a.send()).isZero();
            assertThat(b.receive(1000)).isEqualTo((int) a.out().size());
            WireReader in = b.in();
            assertThat(in.u8()).isEqualTo(200);
            assertThat(in.u16()).isEqualTo(60_000);
            assertThat(in.i32()).isEqualTo(-5);
            assertThat(in.i64()).isEqualTo(Long.MIN_VALUE);
            assertThat(in.string()).isEqualTo("\u00e9\u0000x");
            assertThat(in.utf8()).isEqualTo("é✓");
            assertThat(in.bytes()).containsExactly(1, 2);
            in.end();
        }
    }

    @Test
    void reader_refusesWhatTheMessageDoesNotHold() throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(64, 8);
            WireWriter writer = new WireWriter(segment);
            WireReader reader = new WireReader(segment);
            writer.i32(1000);
            reader.reset(4);
            assertThatThrownBy(reader::string).isInstanceOf(WireException.class);
            reader.reset(4);
            assertThatThrownBy(() -> reader.count(8)).isInstanceOf(WireException.class);
            reader.reset(3);
            assertThatThrownBy(reader::i32).isInstanceOf(WireException.class);
            reader.reset(4);
            reader.u8();
            assertThatThrownBy(reader::end).isInstanceOf(WireException.class);
            assertThatThrownBy(() -> writer.bytes(new byte[64])).isInstanceOf(WireException.class);
        }
    }

    @Test
    void descriptors_areTakenOrClosed(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("f"), "x");
        Wire[] ends = pair();
        try (Wire a = ends[0];
                Wire b = ends[1]) {
            int fd = HostFiles.open(file.toString(), O_RDONLY | O_CLOEXEC, 0);
            a.out().reset().u8(1);
            assertThat(a.send(fd, fd)).isZero();
            assertThat(b.receive(0)).isEqualTo(1);
            int taken = b.takeFd(0);
            int left = taken + 1;
            assertThat(HostFiles.fcntl(taken, F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
            assertThat(HostFiles.fcntl(left, F_GETFD, 0))
                    .as("the second came too")
                    .isEqualTo(FD_CLOEXEC);
            assertThat(a.send()).isZero();
            assertThat(b.receive(0)).isEqualTo(1);
            assertThat(b.takeFd(0)).isEqualTo(-1);
            assertThat(HostFiles.fcntl(left, F_GETFD, 0)).as("not taken, so closed").isNegative();
            HostFiles.close(taken);
            HostFiles.close(fd);
        }
    }

    @Test
    void tooManyDescriptors_areClosed_andTheMessageIsRefused() throws Exception {
        Wire[] ends = pair();
        try (Wire a = ends[0];
                Wire b = ends[1]) {
            int fd = HostFiles.open("/dev/null", O_RDONLY | O_CLOEXEC, 0);
            int before = Path.of("/proc/self/fd").toFile().list().length;
            a.out().reset().u8(1);
            assertThat(a.send(fd, fd, fd, fd, fd)).isZero();
            assertThat(b.receive(0)).isEqualTo(-EMSGSIZE);
            assertThat(Path.of("/proc/self/fd").toFile().list()).hasSize(before);
            HostFiles.close(fd);
        }
    }

    @Test
    void peerGone_readsAsTheEnd() {
        Wire[] ends = pair();
        ends[0].close();
        ends[0].close();
        assertThat(ends[1].receive(0)).isZero();
        ends[1].close();
    }

    @Test
    void listener_takesConnections(@TempDir Path directory) throws Exception {
        String path = directory.resolve("s").toString();
        int listener = HostSockets.listenUnix(path, Wire.SOCKET_TYPE, 8);
        assertThat(listener).isNotNegative();
        try (Wire client = new Wire(HostSockets.connectUnix(path, Wire.SOCKET_TYPE));
                Wire server = new Wire(HostSockets.accept(listener))) {
            client.out().reset().i64(42);
            assertThat(client.send()).isZero();
            assertThat(server.receive(0)).isEqualTo(8);
            assertThat(server.in().i64()).isEqualTo(42);
        }
        HostFiles.close(listener);
        assertThat(
                        HostSockets.connectUnix(
                                directory.resolve("x".repeat(200)).toString(), Wire.SOCKET_TYPE))
                .isNegative();
    }
}
