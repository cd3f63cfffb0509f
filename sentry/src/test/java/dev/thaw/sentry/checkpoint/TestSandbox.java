package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.platform.Platforms;
import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.sentry.fs.dev.DevFilesystem;
import dev.thaw.sentry.fs.pipe.PipeFile;
import dev.thaw.sentry.fs.proc.ProcFilesystem;
import dev.thaw.sentry.fs.sys.SysFilesystem;
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
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageMeta;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/** A kernel with a static guest in a tmpfs and its output in a pipe of its own, so that nothing but memory is needed to freeze and thaw it in one JVM. */
final class TestSandbox implements AutoCloseable {
    /** Offset space of a memory file: small, since a JVM that makes hundreds of kernels has 128 TiB of addresses. */
    private static final long MEMORY = 64L << 30;

    private static final int OUT = 600;

    private final Path temp;
    private final String platform;
    private final StringBuilder output = new StringBuilder();
    private Kernel kernel;
    private PipeFile reader;
    private final List<Integer> chain = new ArrayList<>();
    private int cycles;

    TestSandbox(String platform, Path temp, Path binary, String... args) throws Exception {
        this.platform = platform;
        this.temp = temp;
        this.kernel = newKernel();
        MountNamespace mounts =
                new MountNamespace(new TmpfsFilesystem(kernel.memory(), 0, 0x1ed), 0);
        mounts.mount("/dev", new DevFilesystem(kernel), 0, "dev");
        mounts.mount("/proc", new ProcFilesystem(kernel), 0, "proc");
        mounts.mount("/sys", new SysFilesystem(kernel), 0, "sysfs");
        FsContext root = FsContext.atRoot(mounts);
        copy(mounts, root, binary, "/guest");
        PipeFile[] pipe = PipeFile.create(0);
        FdTable fds = new FdTable();
        fds.replace(pipe[1], 1, false, 1024);
        fds.replace(
                pipe[0], OUT, false,
                1024); // kept by the guest's table, so that it is saved and comes back
        reader = (PipeFile) pipe[0].acquire(); // so that it outlives the guest
        List<String> argv = new ArrayList<>(List.of("/guest"));
        argv.addAll(Arrays.asList(args));
        ThreadGroup init =
                kernel.createInit(
                        new ProcessSpec(
                                argv, List.of(), "/", Credentials.root(), Map.of(), mounts, fds));
        kernel.start(init);
    }

    private static void copy(MountNamespace mounts, FsContext root, Path from, String to)
            throws Exception {
        try (FileDescription file =
                mounts.open(Credentials.root(), root, to, Fcntl.O_CREAT | Fcntl.O_WRONLY, 0x1ed)) {
            byte[] bytes = Files.readAllBytes(from);
            assertThat(file.write(null, IoBuffer.of(bytes))).isEqualTo(bytes.length);
        }
    }

    static Path compile(Path temp, Path source) throws Exception {
        Path binary = temp.resolve("guest-binary");
        Process gcc =
                new ProcessBuilder(
                                "gcc",
                                "-O2",
                                "-w",
                                "-static",
                                "-pthread",
                                "-o",
                                binary.toString(),
                                source.toString())
                        .inheritIO()
                        .start();
        assertThat(gcc.waitFor()).isZero();
        return binary;
    }

    private Kernel newKernel() throws Exception {
        return new Kernel(
                new KernelConfig(
                        Platforms.create(platform, MemFdMemoryFile.create(MEMORY)),
                        "test",
                        0,
                        0,
                        Boolean.getBoolean("test.strace")));
    }

    Kernel kernel() {
        return kernel;
    }

    /** All the guest printed so far. */
    String output() throws Exception {
        byte[] buffer = new byte[4096];
        while (true) {
            long n = reader.read(null, IoBuffer.of(buffer));
            if (n <= 0) {
                assertThat(n).isIn(0L, (long) -Errno.EAGAIN);
                return output.toString();
            }
            output.append(new String(buffer, 0, (int) n, StandardCharsets.UTF_8));
        }
    }

    void awaitOutput(String text) throws Exception {
        long end = System.nanoTime() + 20_000_000_000L;
        while (!output().contains(text)) {
            assertThat(System.nanoTime()).as("waiting for %s in %s", text, output).isLessThan(end);
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** Waits until the guest ends; all it printed. */
    String awaitEnd() throws Exception {
        while (!kernel.init().exitFuture().isDone()) {
            output();
            LockSupport.parkNanos(1_000_000);
        }
        return output();
    }

    /** Freezes the guest, kills it, and thaws it in a new kernel; it does not run yet. */
    void freezeAndThaw() throws Exception {
        save(false, false);
        thawLast();
    }

    /** Writes an image; the guest is paused then. */
    Checkpointer.Saved save() throws IOException {
        return save(false, false);
    }

    /** Writes an image while the guest goes on. */
    Checkpointer.Saved saveLive() throws IOException {
        return save(true, false);
    }

    /** Writes what changed since the last image, while the guest goes on. */
    Checkpointer.Saved saveChanges() throws IOException {
        return save(true, true);
    }

    /** Kills the guest and thaws the last image in a new kernel; it does not run yet. */
    void thawLast() throws Exception {
        kernel.close();
        kernel = restore();
        reader = (PipeFile) kernel.init().leader().fds().get(OUT);
    }

    /** Waits until the guest has printed {@code lines} more lines. */
    void awaitMore(int lines) throws Exception {
        long wanted = output().lines().count() + lines;
        long end = System.nanoTime() + 60_000_000_000L;
        while (output().lines().count() < wanted) {
            assertThat(output()).doesNotContain("wrong");
            assertThat(System.nanoTime()).as("waiting for more than %s", output).isLessThan(end);
            LockSupport.parkNanos(1_000_000);
        }
    }

    private Checkpointer.Saved save(boolean live, boolean changes) throws IOException {
        int parentFd = changes ? open("meta" + cycles, Fcntl.O_RDONLY) : -1;
        if (!changes) {
            chain.clear();
        }
        chain.add(++cycles);
        int packFd = open("pack" + cycles, Fcntl.O_CREAT | Fcntl.O_RDWR);
        int metaFd = open("meta" + cycles, Fcntl.O_CREAT | Fcntl.O_RDWR);
        try {
            return Checkpointer.save(
                    kernel, live, packFd, metaFd, -1, parentFd, HostPrimitives.get().plain());
        } finally {
            HostFiles.close(packFd);
            HostFiles.close(metaFd);
            HostFiles.close(parentFd);
        }
    }

    private int open(String name, int flags) {
        return HostFiles.open(temp.resolve(name).toString(), flags, 0x180);
    }

    /** Restores the last image, with the chunks of all that it continues. */
    private Kernel restore() throws Exception {
        TreeMap<ContentHash, ChunkIndex.Entry> index = new TreeMap<>();
        int[] packs = new int[chain.size()];
        for (int i = 0; i < packs.length; i++) {
            int metaFd = open("meta" + chain.get(i), Fcntl.O_RDONLY);
            for (ChunkIndex.Entry entry :
                    ImageMeta.read(new HostFile(metaFd, "meta"), ImageCodec.plain())
                            .index()
                            .entries()) {
                index.putIfAbsent(entry.hash(), entry.inPack(i));
            }
            HostFiles.close(metaFd);
            packs[i] = open("pack" + chain.get(i), Fcntl.O_RDONLY);
        }
        Path chunks = temp.resolve("chunks");
        Files.write(chunks, new ChunkIndex(List.copyOf(index.values())).encode());
        Kernel restored = newKernel();
        boolean done = false;
        try {
            Checkpointer.restore(
                    restored,
                    open("meta" + cycles, Fcntl.O_RDONLY),
                    open("chunks", Fcntl.O_RDONLY),
                    packs,
                    HostPrimitives.get().plain(),
                    services -> services);
            done = true;
            return restored;
        } finally {
            if (!done) {
                restored.close();
                for (int pack : packs) {
                    HostFiles.close(pack);
                }
            }
        }
    }

    /** The kernel state of the last image. */
    byte[] state() throws IOException {
        int fd = open("meta" + cycles, Fcntl.O_RDONLY);
        try {
            return ImageMeta.read(new HostFile(fd, "meta"), ImageCodec.plain()).state();
        } finally {
            HostFiles.close(fd);
        }
    }

    /** Restores the last image with {@code state} in place of its own, in a kernel that never runs. */
    void restoreForged(byte[] state) throws Exception {
        Path file = temp.resolve("meta" + cycles);
        byte[] original = Files.readAllBytes(file);
        int fd = open("meta" + cycles, Fcntl.O_RDONLY);
        try {
            ImageMeta meta = ImageMeta.read(new HostFile(fd, "meta"), ImageCodec.plain());
            Files.write(
                    file,
                    ImageMeta.encode(state, meta.pageMap(), meta.index(), ImageCodec.plain()));
            restore().close();
        } finally {
            HostFiles.close(fd);
            Files.write(file, original);
        }
    }

    @Override
    public void close() {
        kernel.close();
    }
}
