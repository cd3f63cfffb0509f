package dev.thaw.runsc.boot;

import dev.thaw.abi.Fcntl;
import dev.thaw.gofer.GoferClient;
import dev.thaw.gofer.GoferRoot;
import dev.thaw.gofer.GoferServer;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostProcess;
import dev.thaw.host.HostSockets;
import dev.thaw.host.Wire;
import dev.thaw.platform.Platforms;
import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.control.BootSpec;
import dev.thaw.runsc.control.BootSpec.BootMount;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.sentry.checkpoint.Checkpointer;
import dev.thaw.sentry.fs.gofer.ChangedFiles;
import dev.thaw.sentry.fs.host.HostDescriptors;
import dev.thaw.sentry.kernel.CallTrap;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.KernelConfig;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.vfs.MountNamespace;
import dev.thaw.state.image.ByteSource;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageMeta;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What {@code runsc do} makes, in this JVM: a kernel on a real platform over the host's own root through a real gofer server, its output in files. It is frozen to real image files and thawed in a
 * fresh kernel in milliseconds.
 */
final class InProcessSandbox implements AutoCloseable {
    private final BootSpec spec;
    private final Path temp;
    private final int[] stdio = new int[3];
    private int[] goferFds = {};
    private GoferClient gofer;
    private Kernel kernel;
    private long imageBytes;
    private int pack = -1;
    private final ArrayDeque<MemFdMemoryFile> memories = new ArrayDeque<>();

    InProcessSandbox(String platform, Path temp, List<String> command, List<String> env, String cwd)
            throws Exception {
        this.temp = temp;
        this.spec =
                new BootSpec(
                        "torture",
                        platform,
                        "runsc",
                        Boolean.getBoolean("test.strace"),
                        false,
                        false,
                        0,
                        new byte[0],
                        false,
                        true,
                        true,
                        0,
                        0,
                        List.of(
                                new BootMount("/proc", "proc", -1, List.of()),
                                new BootMount("/dev", "dev", -1, List.of()),
                                new BootMount("/sys", "sysfs", -1, List.of("ro"))),
                        ProcessConfig.of(command, env, cwd));
        stdio[0] = HostFiles.open("/dev/null", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
        stdio[1] = open("out", Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_TRUNC);
        stdio[2] = open("err", Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_TRUNC);
        kernel = newKernel();
        MountNamespace mounts = MountTable.build(spec, kernel, gofer);
        kernel.createInit(
                Processes.spec(
                        spec.process(), mounts, Processes.stdio(0, stdio[0], stdio[1], stdio[2])));
    }

    private static ImageCodec codec() {
        try {
            return SandboxKernel.codec(new byte[0]);
        } catch (SandboxException e) {
            throw new AssertionError(e);
        }
    }

    private int open(String name, int flags) {
        return check(HostFiles.open(temp.resolve(name).toString(), flags | Fcntl.O_CLOEXEC, 0x180));
    }

    Kernel kernel() {
        return kernel;
    }

    long imageBytes() {
        return imageBytes;
    }

    Path output(int fd) {
        return temp.resolve(fd == 1 ? "out" : "err");
    }

    private Kernel newKernel() throws Exception {
        int[] ends = new int[2];
        check(HostSockets.socketpair(Wire.SOCKET_TYPE, ends));
        int path = Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC;
        int proc = check(HostFiles.open("/proc/self/fd", path, 0));
        int root = check(HostFiles.open("/", path, 0));
        goferFds = new int[] {proc, root};
        GoferServer server =
                new GoferServer(List.of(new GoferRoot(0, true, "/")), List.of(root), proc);
        Thread.ofPlatform().daemon().name("gofer").start(() -> server.serve(ends[0]));
        gofer = new GoferClient(ends[1]);
        return new Kernel(
                new KernelConfig(
                        Platforms.create(spec.platform(), newMemory()),
                        spec.hostname(),
                        0,
                        0,
                        spec.strace()));
    }

    /** The files of kernels that are gone are unmapped some cycles later, when none of their threads can be left. */
    private MemFdMemoryFile newMemory() throws Exception {
        MemFdMemoryFile made = MemFdMemoryFile.create(64L << 30);
        memories.add(made);
        if (memories.size() > 8) {
            memories.removeFirst().close();
        }
        return made;
    }

    private static int check(int result) {
        if (result < 0) {
            throw new AssertionError("errno " + -result);
        }
        return result;
    }

    void start() {
        kernel.exposeInit();
        ThreadGroup init = kernel.init();
        if (init == null) {
            throw new AssertionError();
        }
        kernel.start(init);
    }

    /** Lets the guest run until {@code trap} springs (true), or to its end (false). */
    boolean runTo(CallTrap trap, long seconds) throws Exception {
        ThreadGroup init = kernel.init();
        CompletableFuture<Object> either =
                CompletableFuture.anyOf(
                        trap.sprung(),
                        init.exitFuture().thenApply(_ -> "exit"),
                        kernel.endFuture().thenApply(e -> e == null ? "end" : e));
        Object what;
        try {
            what = either.get(seconds, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("the guest hangs: " + kernel.processes(), e);
        }
        if (what instanceof Throwable failure) {
            throw new AssertionError("the Sentry failed", failure);
        }
        if (what instanceof Long) {
            kernel.pause();
            return true;
        }
        return false;
    }

    boolean hasEnded() {
        return kernel.init().exitFuture().isDone() || kernel.endFuture().isDone();
    }

    /** Freezes the guest; the kernel is paused. Throws the image away. */
    void save() throws IOException {
        int create = Fcntl.O_CREAT | Fcntl.O_TRUNC | Fcntl.O_RDWR;
        int packFd = open("pack", create);
        int metaFd = open("meta", create);
        try {
            imageBytes = Checkpointer.save(kernel, false, packFd, metaFd, -1, codec()).bytes();
        } finally {
            HostFiles.close(packFd);
            HostFiles.close(metaFd);
        }
    }

    /** Freezes the guest, kills it, and thaws it in a new kernel, where it does not run yet. */
    void freezeAndThaw() throws Exception {
        save();
        closeKernel();
        kernel = newKernel();
        byte[] bytes = Files.readAllBytes(temp.resolve("meta"));
        Files.write(
                temp.resolve("chunks"), ImageMeta.read(new Bytes(bytes), codec()).index().encode());
        ChangedFiles changed = new ChangedFiles();
        HostDescriptors descriptors = index -> index >= 0 && index <= 2 ? stdio[index] : -1;
        Checkpointer.restore(
                kernel,
                open("meta", Fcntl.O_RDONLY),
                open("chunks", Fcntl.O_RDONLY),
                packs(),
                codec(),
                reader ->
                        reader.with(GoferClient.class, gofer)
                                .with(ChangedFiles.class, changed)
                                .with(HostDescriptors.class, descriptors));
        if (!changed.found().isEmpty()) {
            throw new AssertionError(changed.found());
        }
        kernel.exposeInit();
    }

    private int[] packs() {
        if (pack >= 0) {
            HostFiles.close(pack);
        }
        pack = open("pack", Fcntl.O_RDONLY);
        temp.resolve("pack").toFile().delete(); // the next image is another file
        return new int[] {pack};
    }

    private record Bytes(byte[] bytes) implements ByteSource {
        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public void read(MemorySegment target, long position) {
            MemorySegment.copy(
                    MemorySegment.ofArray(bytes), position, target, 0, target.byteSize());
        }
    }

    /** The exit code of a guest that has ended. */
    int exitCode() throws Exception {
        ThreadGroup init = kernel.init();
        return HostProcess.exitCode(init.exitFuture().get(10, TimeUnit.SECONDS));
    }

    private void closeKernel() {
        kernel.close();
        gofer.close();
        for (int fd : goferFds) {
            HostFiles.close(fd);
        }
        goferFds = new int[] {};
    }

    @Override
    public void close() {
        closeKernel();
        for (int fd : stdio) {
            HostFiles.close(fd);
        }
    }
}
