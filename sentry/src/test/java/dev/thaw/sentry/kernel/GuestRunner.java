package dev.thaw.sentry.kernel;

import dev.thaw.platform.Platform;
import dev.thaw.platform.Platforms;
import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.sentry.vfs.FdTable;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.FsContext;
import dev.thaw.sentry.vfs.MountNamespace;
import dev.thaw.state.SaveContext;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A kernel in this JVM over a real platform, with a tmpfs root, that runs real programs and keeps their output. */
public final class GuestRunner implements AutoCloseable {
    public final Kernel kernel;
    public final MountNamespace mounts;
    private final Output output = new Output();

    public GuestRunner() throws Exception {
        this(false, 0);
    }

    public GuestRunner(boolean strace, long pidsLimit) throws Exception {
        this(strace, pidsLimit, 0);
    }

    public GuestRunner(boolean strace, long pidsLimit, long memoryLimit) throws Exception {
        MemFdMemoryFile memory = MemFdMemoryFile.create(64L << 30);
        Platform platform =
                Platforms.create(System.getProperty("thaw.platform", "systrap"), memory);
        kernel = new Kernel(new KernelConfig(platform, "guest", pidsLimit, memoryLimit, strace));
        mounts = new MountNamespace(new TmpfsFilesystem(memory, 0, 0x1ed), 0);
    }

    /** Compiles a C program, statically, and returns its path on this machine. */
    public static Path compile(String name, String source) throws Exception {
        Path directory =
                Path.of(
                        System.getProperty("java.io.tmpdir"),
                        "thaw-guests-" + ProcessHandle.current().pid());
        Files.createDirectories(directory);
        Path c = directory.resolve(name + ".c");
        Path program = directory.resolve(name);
        Files.writeString(c, source);
        Process gcc =
                new ProcessBuilder(
                                "gcc",
                                "-static",
                                "-O1",
                                "-pthread",
                                "-w",
                                "-o",
                                program.toString(),
                                c.toString())
                        .inheritIO()
                        .start();
        if (gcc.waitFor() != 0) {
            throw new AssertionError("gcc failed for " + name);
        }
        return program;
    }

    /** Puts a file of this machine at {@code path}. */
    @SuppressWarnings("NullAway") // no task writes
    public void install(Path file, String path) throws Exception {
        byte[] bytes = Files.readAllBytes(file);
        try (FileDescription target =
                mounts.open(Credentials.root(), FsContext.atRoot(mounts), path, 0x241, 0x1ed)) {
            for (int done = 0; done < bytes.length; ) {
                done +=
                        (int)
                                target.write(
                                        null,
                                        IoBuffer.of(MemorySegment.ofArray(bytes).asSlice(done)));
            }
        }
    }

    public ThreadGroup create(Credentials who, String... argv) throws ErrnoException {
        FdTable fds = new FdTable();
        for (int i = 0; i < 3; i++) {
            fds.install(output.acquire(), i, false, 1024);
        }
        return kernel.createInit(
                new ProcessSpec(
                        List.of(argv),
                        List.of("PATH=/bin:/", "HOME=/"),
                        "/",
                        who,
                        Map.of(),
                        mounts,
                        fds));
    }

    /** Runs a program as init to its end and returns its wait status. */
    public int run(String... argv) throws Exception {
        ThreadGroup group = create(Credentials.root(), argv);
        kernel.start(group);
        return await(group);
    }

    public int await(ThreadGroup group) throws Exception {
        try {
            return group.exitFuture()
                    .get(Integer.getInteger("guest.timeout", 60), TimeUnit.SECONDS);
        } catch (java.util.concurrent.TimeoutException e) {
            throw new AssertionError(
                    "the guest hangs; so far it said: " + text() + " " + kernel.processes(), e);
        }
    }

    public String text() {
        return output.text();
    }

    @Override
    public void close() {
        kernel.close();
    }

    /** Keeps what is written to it; reads as empty. */
    private static final class Output extends FileDescription {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Output() {
            super(2);
        }

        synchronized String text() {
            return bytes.toString(StandardCharsets.ISO_8859_1);
        }

        @Override
        public long read(Task task, IoBuffer target) {
            return 0;
        }

        @Override
        public long write(Task task, IoBuffer source) throws ErrnoException {
            byte[] chunk = new byte[(int) Math.min(65536, source.remaining())];
            long n = source.take(chunk, 0, chunk.length);
            synchronized (this) {
                bytes.write(chunk, 0, (int) n);
            }
            return n;
        }

        @Override
        public Record save(SaveContext context) {
            throw new UnsupportedOperationException();
        }
    }

    /** Runs a program of this machine: {@code GuestRunner FILE ARGS...}. */
    public static void main(String[] args) throws Exception {
        try (GuestRunner runner = new GuestRunner(Boolean.getBoolean("strace"), 0)) {
            List<String> argv = new ArrayList<>(List.of(args));
            String name = "/" + Path.of(args[0]).getFileName();
            runner.install(Path.of(args[0]), name);
            argv.set(0, name);
            long start = System.nanoTime();
            int status = runner.run(argv.toArray(new String[0]));
            System.out.print(runner.text());
            System.out.println(
                    "status "
                            + Integer.toHexString(status)
                            + " after "
                            + (System.nanoTime() - start) / 1000
                            + " us");
        }
    }
}
