package dev.thaw.runsc.boot;

import dev.thaw.gofer.GoferClient;
import dev.thaw.host.HostProcess;
import dev.thaw.host.WireException;
import dev.thaw.platform.Platform;
import dev.thaw.platform.PlatformException;
import dev.thaw.platform.Platforms;
import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.control.BootSpec;
import dev.thaw.runsc.oci.ProcessConfig;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.checkpoint.BackgroundReader;
import dev.thaw.sentry.checkpoint.Checkpointer;
import dev.thaw.sentry.checkpoint.HostPrimitives;
import dev.thaw.sentry.fs.gofer.ChangedFiles;
import dev.thaw.sentry.fs.host.HostDescriptors;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.KernelConfig;
import dev.thaw.sentry.kernel.ProcessSpec;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.sentry.vfs.MountNamespace;
import dev.thaw.state.ImageException;
import dev.thaw.state.crypt.DataKey;
import dev.thaw.state.image.ImageCodec;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The kernel of this sandbox with what connects it to the host: its platform, its gofer, its stdio. */
final class SandboxKernel {
    private static final int SIGKILL = 9;

    private final BootSpec spec;
    private final GoferClient gofer;
    private final MountNamespace mounts;
    private volatile Kernel kernel;
    private volatile ThreadGroup init;
    private volatile boolean started;
    private volatile String changedFiles = "";
    private final CompletableFuture<Integer> exit;

    private final BackgroundReader imageReader;

    /** Held while an image is written. */
    private final ReentrantLock checkpointing = new ReentrantLock();

    private SandboxKernel(
            BootSpec spec,
            GoferClient gofer,
            MountNamespace mounts,
            Kernel kernel,
            ThreadGroup init,
            CompletableFuture<Integer> exit) {
        this.spec = spec;
        this.gofer = gofer;
        this.mounts = mounts;
        this.kernel = kernel;
        this.init = init;
        this.exit = exit;
        this.imageReader = new BackgroundReader(kernel.memory());
    }

    /** Builds the kernel that {@code spec} describes and loads its program. */
    static SandboxKernel build(BootSpec spec) throws SandboxException {
        try {
            MemFdMemoryFile memory = MemFdMemoryFile.create();
            if (spec.memoryLimit() > 0) {
                memory.setLimit(spec.memoryLimit());
            }
            Platform platform = Platforms.create(spec.platform(), memory);
            CompletableFuture<Integer> end = new CompletableFuture<>();
            platform.whenLost(() -> end.complete(128 + SIGKILL));
            GoferClient gofer = new GoferClient(Boot.GOFER_FD);
            Kernel kernel =
                    new Kernel(
                            new KernelConfig(
                                    platform,
                                    spec.hostname(),
                                    Math.max(0, spec.pidsLimit()),
                                    Math.max(0, spec.memoryLimit()),
                                    spec.strace()));
            if (spec.imageFiles() > 0) {
                return restore(spec, gofer, kernel, end);
            }
            MountNamespace mounts = MountTable.build(spec, kernel, gofer);
            ProcessSpec process =
                    Processes.spec(spec.process(), mounts, Processes.stdio(Boot.STDIN_FD));
            ThreadGroup init;
            try {
                init = kernel.createInit(process);
            } catch (ErrnoException e) {
                throw Processes.notStarted(spec.process(), e);
            }
            return new SandboxKernel(spec, gofer, mounts, kernel, init, end);
        } catch (PlatformException e) {
            throw SandboxException.internal("platform " + spec.platform() + ": " + e.getMessage());
        } catch (WireException e) {
            throw SandboxException.internal("the gofer does not answer: " + e.getMessage());
        } catch (ErrnoException e) {
            throw SandboxException.internal("can not build the sandbox: " + e.getMessage());
        } catch (IOException e) {
            throw SandboxException.internal("can not restore: " + e.getMessage());
        } catch (ImageException e) {
            throw SandboxException.invalid("can not restore: " + e.getMessage());
        }
    }

    private static SandboxKernel restore(
            BootSpec spec, GoferClient gofer, Kernel kernel, CompletableFuture<Integer> end)
            throws IOException, SandboxException {
        int[] packs = new int[spec.imageFiles() - 2];
        for (int i = 0; i < packs.length; i++) {
            packs[i] = Boot.FIRST_IMAGE_FD + 2 + i;
        }
        ChangedFiles changed = new ChangedFiles();
        HostDescriptors stdio = index -> index >= 0 && index <= 2 ? Boot.STDIN_FD + index : -1;
        Checkpointer.restore(
                kernel,
                Boot.FIRST_IMAGE_FD,
                Boot.FIRST_IMAGE_FD + 1,
                packs,
                codec(spec.imageKey()),
                reader ->
                        reader.with(GoferClient.class, gofer)
                                .with(HostDescriptors.class, stdio)
                                .with(ChangedFiles.class, changed));
        ThreadGroup init = kernel.init();
        if (init == null) {
            throw SandboxException.invalid("can not restore: the image holds no process");
        }
        SandboxKernel sandbox =
                new SandboxKernel(spec, gofer, init.leader().fs().namespace(), kernel, init, end);
        sandbox.changedFiles = String.join("; ", changed.found());
        return sandbox;
    }

    /** The codec of images under the data key {@code key}, which is overwritten; of images in clear when it is empty. */
    static ImageCodec codec(byte[] key) throws SandboxException {
        if (key.length == 0) {
            return HostPrimitives.get().plain();
        }
        try (DataKey data = DataKey.of(key)) {
            return HostPrimitives.get().sealed(data);
        } catch (IllegalArgumentException e) {
            throw SandboxException.invalid(String.valueOf(e.getMessage()));
        }
    }

    BootSpec spec() {
        return spec;
    }

    Kernel kernel() {
        return kernel;
    }

    /** The host's files that are not what they were when the image was made; empty for none. */
    String changedFiles() {
        return changedFiles;
    }

    GoferClient gofer() {
        return gofer;
    }

    MountNamespace mounts() {
        return mounts;
    }

    BackgroundReader imageReader() {
        return imageReader;
    }

    ReentrantLock checkpointing() {
        return checkpointing;
    }

    boolean isStarted() {
        return started;
    }

    /** Lets the first process run. */
    void start() throws SandboxException {
        if (started) {
            throw SandboxException.conflict("cannot start an already running container");
        }
        started = true;
        if (spec.killableInit()) {
            kernel.exposeInit();
        }
        if (spec.imageFiles() > 0) {
            kernel.resume();
        } else {
            kernel.start(init);
        }
    }

    /** Starts one more process; its stdio descriptors become the sandbox's. */
    ThreadGroup exec(ProcessConfig process, int stdin, int stdout, int stderr)
            throws SandboxException {
        if (!started) {
            throw SandboxException.conflict("cannot exec in a container that is not running");
        }
        try {
            return kernel.exec(
                    Processes.spec(process, mounts, Processes.stdio(stdin, stdout, stderr)));
        } catch (ErrnoException e) {
            throw Processes.notStarted(process, e);
        }
    }

    /** The process with this pid, init for 0. */
    @Nullable ThreadGroup process(int pid) {
        return pid == 0 ? init : kernel.tasks().group(pid);
    }

    /** Waits for the end of the first process, or of the sandbox by {@link #finish}; the exit code. */
    int awaitExit() throws InterruptedException {
        init.exitFuture().thenAccept(status -> exit.complete(HostProcess.exitCode(status)));
        kernel.endFuture()
                .thenAccept(
                        failure -> {
                            if (failure != null) {
                                exit.complete(
                                        134); // as if it had aborted: our bug, described in the log
                            }
                        });
        return exit.join();
    }

    /** Ends the sandbox with {@code code}, whatever its processes do. */
    void finish(int code) {
        exit.complete(code);
    }
}
