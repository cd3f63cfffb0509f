package dev.thaw.gofer;

import static dev.thaw.abi.Fcntl.O_CLOEXEC;
import static dev.thaw.abi.Fcntl.O_DIRECTORY;
import static dev.thaw.abi.Fcntl.O_PATH;
import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostSockets;
import dev.thaw.host.Wire;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A server on a thread of the test's own JVM, over two roots: 0 may be written, 1 is the same directory read-only. */
final class GoferFixture implements AutoCloseable {
    final int clientFd;
    private final Thread thread;
    private final List<Integer> fds;

    GoferFixture(Path directory) {
        int[] ends = new int[2];
        assertThat(HostSockets.socketpair(Wire.SOCKET_TYPE, ends)).isZero();
        int proc = HostFiles.open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        int writable = HostFiles.open(directory.toString(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        int readOnly = HostFiles.open(directory.toString(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        assertThat(writable).isPositive();
        fds = List.of(proc, writable, readOnly);
        GoferServer server =
                new GoferServer(
                        List.of(new GoferRoot(0, false, "rw"), new GoferRoot(1, true, "ro")),
                        List.of(writable, readOnly),
                        proc);
        thread = Thread.ofPlatform().daemon().start(() -> server.serve(ends[0]));
        clientFd = ends[1];
    }

    @Override
    public void close() {
        try {
            assertThat(thread.join(Duration.ofSeconds(10)))
                    .as("server ends with its client")
                    .isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        fds.forEach(HostFiles::close);
    }
}
