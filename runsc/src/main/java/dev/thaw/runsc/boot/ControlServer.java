package dev.thaw.runsc.boot;

import static dev.thaw.runsc.control.ControlProtocol.*;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostProcess;
import dev.thaw.host.HostSockets;
import dev.thaw.host.Wire;
import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import dev.thaw.host.WireWriter;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.control.ProcessCodec;
import dev.thaw.sentry.checkpoint.Checkpointer;
import dev.thaw.sentry.kernel.CallTrap;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.kernel.ThreadGroup;
import dev.thaw.state.ImageException;
import dev.thaw.state.image.ImageCodec;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/** Answers runsc: a thread for each connection to the control socket. Only root of the host reaches the socket, so the peer is trusted, but its messages are still bounded. */
final class ControlServer implements Runnable {
    private static final int MAX_CONNECTIONS = 256;

    private final SandboxKernel sandbox;
    private final int listener;
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger waiting = new AtomicInteger();
    private final CompletableFuture<Integer> end = new CompletableFuture<>();
    private volatile CallTrap trap = new CallTrap(0);

    ControlServer(SandboxKernel sandbox, int listener) {
        this.sandbox = sandbox;
        this.listener = listener;
    }

    @Override
    public void run() {
        while (true) {
            int socket = HostSockets.accept(listener);
            if (socket < 0) {
                return;
            }
            if (connections.incrementAndGet() > MAX_CONNECTIONS) {
                connections.decrementAndGet();
                new Wire(socket).close();
                continue;
            }
            Thread.ofPlatform()
                    .name("control-connection")
                    .daemon()
                    .start(
                            () -> {
                                try (Wire wire = new Wire(socket)) {
                                    Connection connection = new Connection(wire);
                                    connection.serve();
                                    if (connection.frozen) {
                                        sandbox.kernel().resume();
                                    }
                                } finally {
                                    connections.decrementAndGet();
                                }
                            });
        }
    }

    /** Tells everyone who waits that the container ended. */
    void finish(int code) {
        end.complete(code);
        long limit = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(200);
        while (waiting.get() > 0 && System.nanoTime() - limit < 0) {
            Thread.onSpinWait();
        }
    }

    private final class Connection {
        private final Wire wire;
        private final ReentrantLock sending = new ReentrantLock();
        private int execPid;
        private boolean frozen;

        Connection(Wire wire) {
            this.wire = wire;
        }

        void serve() {
            while (wire.receive(0) > 0) {
                try {
                    WireWriter out = wire.out().reset();
                    boolean answer;
                    try {
                        out.u8(OK);
                        answer = handle(wire.in(), out);
                    } catch (SandboxException e) {
                        out.reset()
                                .u8(ERROR)
                                .utf8(e.kind().name())
                                .utf8(String.valueOf(e.getMessage()));
                        answer = true;
                    } catch (RuntimeException | LinkageError e) {
                        e.printStackTrace(System.err);
                        out.reset()
                                .u8(ERROR)
                                .utf8(SandboxException.Kind.INTERNAL.name())
                                .utf8("the sandbox failed: " + e);
                        answer = true;
                    }
                    if (answer && send() < 0) {
                        return;
                    }
                } catch (WireException | InterruptedException e) {
                    return;
                }
            }
        }

        private int send() {
            sending.lock();
            try {
                return wire.send();
            } finally {
                sending.unlock();
            }
        }

        private boolean handle(WireReader in, WireWriter out)
                throws WireException, SandboxException, InterruptedException {
            Kernel kernel = sandbox.kernel();
            int operation = in.u8();
            if (execPid != 0 && operation != SIGNAL) {
                throw SandboxException.invalid("this connection belongs to a process");
            }
            switch (operation) {
                case START -> sandbox.start();
                case SIGNAL -> {
                    signal(in.i32(), in.i32(), in.u8() != 0);
                    return execPid == 0;
                }
                case WAIT -> out.i32(await(in.i32()));
                case EXEC -> {
                    exec(in, out);
                    return false;
                }
                case PAUSE -> kernel.pause();
                case RESUME -> kernel.resume();
                case CHECKPOINT -> checkpoint(in, out);
                case PROCESSES -> processes(out);
                case STATS -> stats(out);
                case STATUS -> out.u8(!sandbox.isStarted() ? 0 : kernel.isPaused() ? 2 : 1);
                case PREFETCH -> sandbox.imageReader().start();
                case DESTROY -> {
                    frozen = false;
                    sandbox.finish(137);
                }
                case TRAP -> {
                    trap = new CallTrap(in.i64());
                    kernel.setTrap(trap);
                }
                case AWAIT_TRAP -> {
                    boolean stopped = awaitEvent(trap.sprung());
                    if (stopped) {
                        kernel.pause();
                    }
                    out.u8(stopped ? 1 : 0);
                }
                case AWAIT_WISH -> out.u8(awaitEvent(kernel.lineage().wish()) ? 1 : 0);
                default -> throw SandboxException.invalid("unknown request");
            }
            return true;
        }

        /** Waits for {@code event}; false when the container ends before. */
        private boolean awaitEvent(CompletableFuture<?> event) throws InterruptedException {
            waiting.incrementAndGet();
            try {
                CompletableFuture<Boolean> happened = event.thenApply(_ -> true);
                return (boolean) CompletableFuture.anyOf(happened, end.thenApply(_ -> false)).get();
            } catch (ExecutionException e) {
                throw new AssertionError(e);
            } finally {
                waiting.decrementAndGet();
            }
        }

        private void signal(int pid, int signal, boolean all) throws SandboxException {
            if (signal < 0 || signal > 64) {
                throw SandboxException.invalid("no such signal: " + signal);
            }
            if (!sandbox.isStarted()) {
                if (signal == 9 || signal == 15) {
                    sandbox.finish(128 + signal);
                }
                return;
            }
            if (all) {
                sandbox.kernel().signalAll(signal);
                return;
            }
            int target = pid != 0 ? pid : execPid != 0 ? execPid : 1;
            if (!sandbox.kernel().signal(target, signal) && execPid == 0) {
                throw SandboxException.notFound("no such process: " + target);
            }
        }

        private int await(int pid) throws SandboxException, InterruptedException {
            ThreadGroup group = sandbox.process(pid);
            if (group == null) {
                throw SandboxException.notFound("no such process: " + pid);
            }
            waiting.incrementAndGet();
            try {
                CompletableFuture<Object> either =
                        CompletableFuture.anyOf(
                                end, group.exitFuture().thenApply(HostProcess::exitCode));
                while (true) {
                    try {
                        return (int) either.get(1, TimeUnit.HOURS);
                    } catch (TimeoutException e) {
                        // A container may live for longer.
                    }
                }
            } catch (ExecutionException e) {
                throw new AssertionError(e);
            } finally {
                waiting.decrementAndGet();
            }
        }

        /** Answers, then leaves the sending side to the thread that reports the end: from here on this connection is not answered any more. */
        private void exec(WireReader in, WireWriter out) throws WireException, SandboxException {
            if (execPid != 0) {
                throw SandboxException.invalid("one process for each connection");
            }
            ThreadGroup group =
                    sandbox.exec(
                            ProcessCodec.read(in), wire.takeFd(0), wire.takeFd(1), wire.takeFd(2));
            execPid = group.pid();
            out.i32(execPid);
            send();
            Thread.ofPlatform().name("control-exec").daemon().start(() -> reportExit(group));
        }

        private void reportExit(ThreadGroup group) {
            try {
                int code = await(group.pid());
                sending.lock();
                try {
                    wire.out().reset().u8(OK).i32(code);
                    wire.send();
                } finally {
                    sending.unlock();
                }
            } catch (SandboxException | InterruptedException | WireException e) {
                HostSockets.shutdown(wire.socket());
            }
        }

        /** Writes an image. Without {@code leaveRunning} the guest stands still until this connection says DESTROY, or closes: then the image came to nothing and the guest goes on. */
        private void checkpoint(WireReader in, WireWriter out)
                throws WireException, SandboxException {
            Kernel kernel = sandbox.kernel();
            boolean leaveRunning = in.u8() != 0;
            ImageCodec codec = SandboxKernel.codec(in.bytes());
            boolean hasParent = in.u8() != 0;
            int pack = wire.takeFd(0);
            int meta = wire.takeFd(1);
            int parent = hasParent ? wire.takeFd(2) : -1;
            int known = wire.takeFd(hasParent ? 3 : 2);
            if (pack < 0 || meta < 0 || !sandbox.isStarted()) {
                throw SandboxException.conflict("container not running");
            }
            boolean done = false;
            boolean wasPaused = false;
            if (!sandbox.checkpointing().tryLock()) {
                close(pack, meta, known, parent);
                throw SandboxException.conflict("another checkpoint is in progress");
            }
            try {
                wasPaused = kernel.isPaused();
                Checkpointer.Saved saved =
                        Checkpointer.save(
                                kernel,
                                leaveRunning && !wasPaused,
                                pack,
                                meta,
                                known,
                                parent,
                                codec);
                out.i64(saved.bytes()).i64(saved.pausedNanos());
                done = true;
            } catch (IOException | ImageException e) {
                throw SandboxException.internal("can not write the image: " + e.getMessage());
            } finally {
                sandbox.checkpointing().unlock();
                close(pack, meta, known, parent);
                if (!wasPaused && !leaveRunning && !done) {
                    kernel.resume();
                }
            }
            frozen = !wasPaused && !leaveRunning;
        }

        private static void close(int... fds) {
            for (int fd : fds) {
                if (fd >= 0) {
                    HostFiles.close(fd);
                }
            }
        }

        private void processes(WireWriter out) throws WireException {
            List<Kernel.ProcessInfo> list = sandbox.kernel().processes();
            out.i32(list.size());
            for (Kernel.ProcessInfo process : list) {
                out.i32(process.pid())
                        .i32(process.ppid())
                        .i32(process.uid())
                        .i64(process.startTime())
                        .i64(process.cpuTime())
                        .utf8(process.command());
            }
        }

        private void stats(WireWriter out) throws WireException {
            Kernel kernel = sandbox.kernel();
            long cpu = 0;
            long threads = 0;
            for (Kernel.ProcessInfo process : kernel.processes()) {
                cpu += process.cpuTime();
                threads += process.threads();
            }
            out.i64(kernel.memory().residentBytes())
                    .i64(sandbox.spec().memoryLimit())
                    .i64(threads)
                    .i64(sandbox.spec().pidsLimit())
                    .i64(cpu);
        }
    }
}
