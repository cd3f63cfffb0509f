package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.platform.Platforms;
import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.sentry.fs.pipe.PipeFile;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.KernelConfig;
import dev.thaw.sentry.kernel.ProcessSpec;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.FsContext;
import dev.thaw.sentry.vfs.MountNamespace;
import dev.thaw.state.image.ByteSource;
import dev.thaw.state.image.ImageMeta;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real guest on a real platform, with its output in a pipe of its own kernel, frozen and thawed in one JVM. */
final class KernelCheckpointTest {
    private static final String COUNTER =
            """
            #include <stdio.h>
            #include <stdlib.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
              size_t words = (size_t)atoi(argv[1]) << 17;
              unsigned long *m = malloc(words * 8), sum = 0;
              for (size_t i = 0; i < words; i++) m[i] = i * 0x9e3779b97f4a7c15u;
              for (int tick = 0; tick < 1000000; tick++) {
                for (size_t i = 0; i < words; i += 512) {
                  if (m[i] != i * 0x9e3779b97f4a7c15u) { dprintf(1, "memory is wrong at %zu\\n", i); return 1; }
                  if (words > 1 << 20 && i > 1 << 16) break;
                }
                dprintf(1, "tick %d\\n", tick);
                usleep(1000);
              }
            }
            """;

    @TempDir
    Path temp;

    private final StringBuilder output = new StringBuilder();

    @Test
    void aCounterGoesOnThroughTenCycles() throws Exception {
        Kernel kernel = newKernel();
        start(kernel, compile(COUNTER), "8");
        awaitTick(kernel, 5);
        for (int cycle = 1; cycle <= 10; cycle++) {
            Path pack = temp.resolve("pack" + cycle);
            Path meta = temp.resolve("meta" + cycle);
            Checkpointer.Saved saved = save(kernel, pack, meta);
            assertThat(saved.pages()).isGreaterThan(2048);
            kernel.close();
            kernel = restore(pack, meta);
            kernel.resume();
            awaitTick(kernel, 5 + 5 * cycle);
        }
        kernel.close();
        String[] lines = output.toString().split("\n");
        for (int i = 0; i < lines.length - 1; i++) {
            assertThat(lines[i]).isEqualTo("tick " + i);
        }
    }

    private Path compile(String source) throws Exception {
        Path c = temp.resolve("guest.c");
        Path binary = temp.resolve("guest");
        Files.writeString(c, source);
        Process gcc = new ProcessBuilder("gcc", "-O2", "-static", "-o", binary.toString(), c.toString()).inheritIO().start();
        assertThat(gcc.waitFor()).isZero();
        return binary;
    }

    private static Kernel newKernel() throws Exception {
        return new Kernel(
                new KernelConfig(Platforms.create("systrap", MemFdMemoryFile.create()), "test", 0, 0, Boolean.getBoolean("test.strace")));
    }

    private static void start(Kernel kernel, Path binary, String... args) throws Exception {
        MountNamespace mounts = new MountNamespace(new TmpfsFilesystem(kernel.memory(), 0, 0x1ed), 0);
        try (FileDescription file =
                mounts.open(Credentials.root(), FsContext.atRoot(mounts), "/guest", Fcntl.O_CREAT | Fcntl.O_WRONLY, 0x1ed)) {
            byte[] bytes = Files.readAllBytes(binary);
            assertThat(file.write(null, IoBuffer.of(bytes))).isEqualTo(bytes.length);
        }
        PipeFile[] pipe = PipeFile.create(0);
        FdTable fds = new FdTable();
        fds.replace(pipe[1], 1, false, 1024);
        fds.replace(pipe[0], 3, false, 1024);
        java.util.ArrayList<String> argv = new java.util.ArrayList<>(List.of("/guest"));
        argv.addAll(List.of(args));
        ThreadGroup init =
                kernel.createInit(new ProcessSpec(argv, List.of(), "/", Credentials.root(), Map.of(), mounts, fds));
        kernel.start(init);
    }

    private void awaitTick(Kernel kernel, int tick) throws Exception {
        byte[] buffer = new byte[4096];
        long end = System.nanoTime() + 20_000_000_000L;
        while (output.indexOf("tick " + tick + "\n") < 0) {
            assertThat(System.nanoTime()).as(output.toString()).isLessThan(end);
            try (FileDescription read = kernel.init().leader().fds().get(3)) {
                long n = read.read(null, IoBuffer.of(buffer));
                if (n == -Errno.EAGAIN) {
                    LockSupport.parkNanos(1_000_000);
                } else {
                    output.append(new String(buffer, 0, (int) n, StandardCharsets.UTF_8));
                }
            }
        }
    }

    private static Checkpointer.Saved save(Kernel kernel, Path pack, Path meta) throws IOException {
        int packFd = HostFiles.open(pack.toString(), Fcntl.O_CREAT | Fcntl.O_RDWR, 0x180);
        int metaFd = HostFiles.open(meta.toString(), Fcntl.O_CREAT | Fcntl.O_RDWR, 0x180);
        try {
            return Checkpointer.save(kernel, packFd, metaFd, -1);
        } finally {
            HostFiles.close(packFd);
            HostFiles.close(metaFd);
        }
    }

    private Kernel restore(Path pack, Path meta) throws Exception {
        Path chunks = temp.resolve("chunks");
        int metaFd = HostFiles.open(meta.toString(), Fcntl.O_RDONLY, 0);
        ByteSource source = new HostFile(metaFd, "meta");
        Files.write(chunks, ImageMeta.read(source).index().encode());
        int chunksFd = HostFiles.open(chunks.toString(), Fcntl.O_RDONLY, 0);
        int packFd = HostFiles.open(pack.toString(), Fcntl.O_RDONLY, 0);
        Kernel kernel = newKernel();
        Checkpointer.restore(kernel, metaFd, chunksFd, new int[] {packFd}, reader -> reader);
        return kernel;
    }
}
