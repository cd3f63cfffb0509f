package dev.thaw.runsc.control;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostSockets;
import dev.thaw.host.Wire;
import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import dev.thaw.host.WireWriter;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.oci.ProcessConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** runsc's end of a connection to a sandbox process. For one thread. */
public final class ControlClient implements AutoCloseable {
    /** A row of {@link #processes}. */
    public record ProcessInfo(
            int pid, int ppid, int uid, long startNanos, long cpuNanos, String command) {}

    /** The answer of {@link #stats}. */
    public record Stats(
            long memory, long memoryLimit, long processes, long processesLimit, long cpuNanos) {}

    /** The answer of {@link #checkpoint}. */
    public record Checkpointed(long bytes, long pausedNanos) {}

    private final Wire wire;

    private ControlClient(Wire wire) {
        this.wire = wire;
    }

    /** Connects to the sandbox whose state directory is {@code directory}; null when no process listens there any more. */
    public static @Nullable ControlClient connect(Path directory) throws SandboxException {
        // By the directory's descriptor, since a socket's path may have 107 bytes only.
        int dir = HostFiles.open(directory.toString(), Fcntl.O_PATH | Fcntl.O_CLOEXEC, 0);
        if (dir < 0) {
            return null;
        }
        int socket =
                HostSockets.connectUnix(
                        "/proc/self/fd/" + dir + "/" + ControlProtocol.SOCKET_NAME,
                        Wire.SOCKET_TYPE);
        HostFiles.close(dir);
        if (socket == -Errno.ECONNREFUSED || socket == -Errno.ENOENT) {
            return null;
        }
        if (socket < 0) {
            throw SandboxException.internal("can not reach the sandbox: " + Errno.name(-socket));
        }
        return new ControlClient(new Wire(socket));
    }

    /** The descriptor of the connection, for a proxy process that goes on with it. */
    public int socket() {
        return wire.socket();
    }

    public void start() throws SandboxException {
        call(request(ControlProtocol.START));
    }

    public void signal(int pid, int signal, boolean all) throws SandboxException {
        try {
            call(request(ControlProtocol.SIGNAL).i32(pid).i32(signal).u8(all ? 1 : 0));
        } catch (WireException e) {
            throw tooLarge();
        }
    }

    /** Waits for a process (0: init) and returns its exit code; -1 when the sandbox died without telling. */
    public int waitFor(int pid) throws SandboxException {
        try {
            request(ControlProtocol.WAIT).i32(pid);
            if (wire.send() < 0) {
                return -1;
            }
            return awaitExit();
        } catch (WireException e) {
            throw tooLarge();
        }
    }

    /** Starts a process with the descriptors as its stdio; {@link #awaitExit} then says how it ended. Returns its pid in the container. */
    public int exec(ProcessConfig process, int stdin, int stdout, int stderr)
            throws SandboxException {
        try {
            ProcessCodec.write(request(ControlProtocol.EXEC), process);
            return call(wire.out(), stdin, stdout, stderr).i32();
        } catch (WireException e) {
            throw tooLarge();
        }
    }

    /** The exit code that ends an {@link #exec}; -1 when the sandbox is gone. */
    public int awaitExit() throws SandboxException {
        if (wire.receive(0) <= 0) {
            return -1;
        }
        return number(checked());
    }

    public void pause() throws SandboxException {
        call(request(ControlProtocol.PAUSE));
    }

    /** Has the sandbox read what its restore left for later. */
    public void prefetch() throws SandboxException {
        call(request(ControlProtocol.PREFETCH));
    }

    public void resume() throws SandboxException {
        call(request(ControlProtocol.RESUME));
    }

    /** Has the sandbox write an image to the descriptors, under the data key {@code key} unless that is empty: pack, meta, with {@code hasParent} the meta of the image that it continues, and a list of known chunks if there is one. */
    public Checkpointed checkpoint(boolean leaveRunning, byte[] key, boolean hasParent, int... fds)
            throws SandboxException {
        try {
            WireReader in =
                    call(
                            request(ControlProtocol.CHECKPOINT)
                                    .u8(leaveRunning ? 1 : 0)
                                    .bytes(key)
                                    .u8(hasParent ? 1 : 0),
                            fds);
            return new Checkpointed(in.i64(), in.i64());
        } catch (WireException e) {
            throw tooLarge();
        }
    }

    public List<ProcessInfo> processes() throws SandboxException {
        try {
            WireReader in = call(request(ControlProtocol.PROCESSES));
            ArrayList<ProcessInfo> list = new ArrayList<>();
            for (int left = in.count(32); left > 0; left--) {
                list.add(
                        new ProcessInfo(
                                in.i32(), in.i32(), in.i32(), in.i64(), in.i64(), in.utf8()));
            }
            return list;
        } catch (WireException e) {
            throw broken(e);
        }
    }

    public Stats stats() throws SandboxException {
        try {
            WireReader in = call(request(ControlProtocol.STATS));
            return new Stats(in.i64(), in.i64(), in.i64(), in.i64(), in.i64());
        } catch (WireException e) {
            throw broken(e);
        }
    }

    /** "created", "running" or "paused". */
    public String status() throws SandboxException {
        try {
            int status = call(request(ControlProtocol.STATUS)).u8();
            return status == 0 ? "created" : status == 1 ? "running" : "paused";
        } catch (WireException e) {
            throw broken(e);
        }
    }

    /** Sets a trap at the {@code call}-th system call from now on. */
    public void trap(long call) throws SandboxException {
        try {
            call(request(ControlProtocol.TRAP).i64(call));
        } catch (WireException e) {
            throw tooLarge();
        }
    }

    /** Waits until the trap has sprung and all tasks stand still; false when the sandbox ended before. */
    public boolean awaitTrap() throws SandboxException {
        return await(ControlProtocol.AWAIT_TRAP);
    }

    /** Waits until a program asks for a checkpoint; false when the sandbox ended before. */
    public boolean awaitWish() throws SandboxException {
        return await(ControlProtocol.AWAIT_WISH);
    }

    private boolean await(int operation) throws SandboxException {
        request(operation);
        if (wire.send() < 0 || wire.receive(0) <= 0) {
            return false;
        }
        try {
            return checked().u8() != 0;
        } catch (WireException e) {
            throw broken(e);
        }
    }

    /** Ends the sandbox process; it may be gone before it can answer. */
    public void destroy() throws SandboxException {
        request(ControlProtocol.DESTROY);
        if (wire.send() >= 0 && wire.receive(0) > 0) {
            checked();
        }
    }

    @Override
    public void close() {
        wire.close();
    }

    private WireWriter request(int operation) {
        try {
            return wire.out().reset().u8(operation);
        } catch (WireException e) {
            throw new AssertionError(e);
        }
    }

    private WireReader call(WireWriter request, int... fds) throws SandboxException {
        assert request == wire.out();
        int sent = wire.send(fds);
        if (sent < 0 || wire.receive(0) <= 0) {
            throw SandboxException.internal("the sandbox process ended");
        }
        return checked();
    }

    private WireReader checked() throws SandboxException {
        return checkReply(wire.in());
    }

    /** Reads a reply's status; an error becomes an exception. */
    public static WireReader checkReply(WireReader in) throws SandboxException {
        try {
            if (in.u8() == ControlProtocol.OK) {
                return in;
            }
            SandboxException.Kind kind = SandboxException.Kind.INTERNAL;
            String name = in.utf8();
            for (SandboxException.Kind candidate : SandboxException.Kind.values()) {
                if (candidate.name().equals(name)) {
                    kind = candidate;
                }
            }
            throw new SandboxException(kind, in.utf8());
        } catch (WireException e) {
            throw broken(e);
        }
    }

    private static int number(WireReader in) throws SandboxException {
        try {
            return in.i32();
        } catch (WireException e) {
            throw broken(e);
        }
    }

    private static SandboxException broken(WireException e) {
        return SandboxException.internal(
                "the sandbox process answered nonsense: " + e.getMessage());
    }

    private static SandboxException tooLarge() {
        return SandboxException.invalid(
                "arguments and environment are longer than " + Wire.MAX_MESSAGE + " bytes");
    }
}
