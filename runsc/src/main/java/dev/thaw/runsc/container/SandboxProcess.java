package dev.thaw.runsc.container;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Fcntl;
import dev.thaw.abi.Socket;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostProcess;
import dev.thaw.host.HostSockets;
import dev.thaw.host.Wire;
import dev.thaw.host.WireException;
import dev.thaw.runsc.RuntimeOptions;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Stdio;
import dev.thaw.runsc.control.BootSpec;
import dev.thaw.runsc.control.ControlClient;
import dev.thaw.runsc.control.ControlProtocol;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Starts the processes of one sandbox: thaw-launch, below it the gofer and the Sentry. Until {@link #detach}, the end of this object's lifeline (close, or the end of this process
 * however it comes) kills them all and removes the state directory.
 *
 * <pre>
 * sandbox descriptors   3 boot socket | 4 control listener | 5 gofer socket | 6 7 8 the guest's stdio | 9... image files
 * gofer descriptors     3 sandbox socket | 4... one per root, in order
 * </pre>
 */
public final class SandboxProcess implements AutoCloseable {
    private static final int CLOEXEC = Fcntl.O_CLOEXEC;

    private final int log;
    private final int pid;
    private final Wire boot;
    private int lifeline;
    private boolean closed;

    private SandboxProcess(int log, int pid, Wire boot, int lifeline) {
        this.log = log;
        this.pid = pid;
        this.boot = boot;
        this.lifeline = lifeline;
    }

    /** A tree for the gofer to serve. */
    public record GoferTree(String path, boolean readOnly) {}

    /** What to start and with which descriptors. {@code removeDirectory}: the state directory goes when the sandbox ends, unless it was detached. */
    public record Request(
            Path directory,
            List<GoferTree> trees,
            Stdio stdio,
            int[] imageFds,
            List<String> cgroups) {}

    /** Starts the processes; they wait for {@link #boot}. */
    public static SandboxProcess spawn(RuntimeOptions options, Request request)
            throws SandboxException {
        FdSet fds = new FdSet();
        try {
            int[] boot = fds.pair(Wire.SOCKET_TYPE);
            int[] gofer = fds.pair(Wire.SOCKET_TYPE);
            int[] lifeline = fds.pair(Socket.SOCK_STREAM);
            int listener = fds.add("listen on the control socket", listen(request.directory));
            int nothing = fds.open("/dev/null", Fcntl.O_RDWR);
            Path log =
                    options.log() != null
                            ? options.log()
                            : request.directory.resolve("sandbox.log");
            int logFd = fds.open(log.toString(), Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_APPEND);
            int exit =
                    fds.open(
                            request.directory.resolve("exit").toString(),
                            Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_TRUNC);

            ArrayList<Integer> sandboxFds = new ArrayList<>(List.of(boot[1], listener, gofer[0]));
            sandboxFds.add(fds.dup(request.stdio.in()));
            sandboxFds.add(fds.dup(request.stdio.out()));
            sandboxFds.add(fds.dup(request.stdio.err()));
            for (int fd : request.imageFds) {
                sandboxFds.add(fds.dup(fd));
            }
            ArrayList<Integer> goferFds = new ArrayList<>(List.of(gofer[1]));
            for (GoferTree tree : request.trees) {
                goferFds.add(fds.open(tree.path, Fcntl.O_PATH));
            }

            ArrayList<String> argv = new ArrayList<>();
            argv.add(options.installation().launcher().toString());
            add(argv, "--lifeline", String.valueOf(lifeline[1]));
            add(argv, "--exit-fd", String.valueOf(exit));
            add(argv, "--remove", request.directory.toString());
            for (String cgroup : request.cgroups) {
                add(argv, "--cgroup", cgroup);
            }
            add(argv, "--empty-root", emptyRoot(request.directory).toString());
            if (Installation.TRAINING) {
                argv.add("--host-ns");
            }
            add(argv, "--gofer-fds", join(goferFds));
            argv.add("--gofer");
            argv.addAll(
                    options.installation()
                            .command("gofer", request.directory, "dev.thaw.gofer.GoferMain", 64));
            argv.addAll(goferArguments(request.trees));
            argv.add("--end");
            add(argv, "--sandbox-fds", join(sandboxFds));
            argv.add("--sandbox");
            argv.addAll(
                    options.installation()
                            .command("boot", request.directory, "dev.thaw.runsc.boot.Boot", 256));
            argv.add(emptyRoot(request.directory).toString());
            argv.add("--end");

            int[] inherited = new int[sandboxFds.size() + goferFds.size() + 2];
            int at = 0;
            for (int fd : sandboxFds) {
                inherited[at++] = fd;
            }
            for (int fd : goferFds) {
                inherited[at++] = fd;
            }
            inherited[at++] = lifeline[1];
            inherited[at] = exit;
            int pid =
                    HostProcess.spawn(
                            argv.getFirst(),
                            argv.toArray(new String[0]),
                            environment(),
                            nothing,
                            logFd,
                            logFd,
                            inherited);
            if (pid < 0) {
                throw SandboxException.internal(
                        "can not start " + argv.getFirst() + ": " + Errno.name(-pid));
            }
            fds.keep(boot[0]);
            fds.keep(logFd);
            fds.keep(lifeline[0]);
            return new SandboxProcess(logFd, pid, new Wire(boot[0]), lifeline[0]);
        } finally {
            fds.close();
        }
    }

    /** The host process that stands for the container. */
    public int pid() {
        return pid;
    }

    /** Tells the sandbox what to become; {@link #awaitReady} says how that went. */
    public void boot(BootSpec spec) throws SandboxException {
        try {
            spec.write(boot.out().reset());
        } catch (WireException e) {
            throw SandboxException.invalid(
                    "arguments, environment and mounts are longer than "
                            + Wire.MAX_MESSAGE
                            + " bytes");
        }
        boot.send(); // if it is gone already, awaitReady says so
    }

    /** Waits until the sandbox is confined and its program loaded (and started, if asked). Returns which files of the host are not what they were when the image was made; empty for none. */
    public String awaitReady() throws SandboxException {
        if (boot.receive(0) <= 0) {
            throw SandboxException.internal(
                    "the sandbox process ended before it was ready" + lastWords());
        }
        try {
            return ControlClient.checkReply(boot.in()).utf8();
        } catch (WireException e) {
            throw SandboxException.internal("the sandbox answered nonsense: " + e.getMessage());
        }
    }

    /** From now on the sandbox lives by itself, whatever becomes of this process. */
    public void detach() {
        byte[] message = {'D'};
        try (java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofConfined()) {
            java.lang.foreign.MemorySegment data = arena.allocate(1);
            data.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 0, message[0]);
            HostFiles.write(lifeline, data, 0, 1);
        }
    }

    /** Hands over the lifeline: its end ends the sandbox. The caller closes it. */
    public int takeLifeline() {
        int taken = lifeline;
        lifeline = -1;
        return taken;
    }

    /** Waits for the end of the launcher, this process's child, and returns the container's exit code. */
    public int waitFor() {
        int[] status = new int[1];
        return HostProcess.waitpid(pid, 0, status) < 0 ? -1 : HostProcess.exitCode(status[0]);
    }

    /** Ends everything that was not detached, and waits for it. */
    public void abort() {
        close();
        waitFor();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        boot.close();
        HostFiles.close(log);
        if (lifeline >= 0) {
            HostFiles.close(lifeline);
            lifeline = -1;
        }
    }

    /** What the processes said before they died; the file may be gone by now, but not the descriptor. */
    private String lastWords() {
        try {
            List<String> lines =
                    Files.readAllLines(
                            Path.of("/proc/self/fd/" + log), StandardCharsets.ISO_8859_1);
            for (String line : lines) {
                if (!line.isBlank()
                        && !line.startsWith("WARNING")
                        && !line.startsWith("[warning]")) {
                    return ": " + line.strip();
                }
            }
            return "";
        } catch (IOException | java.io.UncheckedIOException e) {
            return "";
        }
    }

    private static int listen(Path directory) {
        int dir = HostFiles.open(directory.toString(), Fcntl.O_PATH | CLOEXEC, 0);
        if (dir < 0) {
            return dir;
        }
        try {
            return HostSockets.listenUnix(
                    "/proc/self/fd/" + dir + "/" + ControlProtocol.SOCKET_NAME,
                    Wire.SOCKET_TYPE,
                    64);
        } finally {
            HostFiles.close(dir);
        }
    }

    /** The directory that an empty file system is put over, seen by the sandbox only. */
    private static Path emptyRoot(Path directory) {
        return directory;
    }

    private static List<String> goferArguments(List<GoferTree> trees) {
        ArrayList<String> arguments = new ArrayList<>();
        arguments.add("3");
        for (GoferTree tree : trees) {
            arguments.add(3 + arguments.size() + (tree.readOnly ? ":ro:" : ":rw:") + tree.path);
        }
        return arguments;
    }

    private static String[] environment() {
        return new String[] {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "MALLOC_ARENA_MAX=2"};
    }

    private static void add(List<String> argv, String option, String value) {
        argv.add(option);
        argv.add(value);
    }

    private static String join(List<Integer> numbers) {
        StringBuilder text = new StringBuilder();
        for (int number : numbers) {
            text.append(text.isEmpty() ? "" : ",").append(number);
        }
        return text.toString();
    }

    /** Descriptors that are closed when the start is over, all above 2. */
    private static final class FdSet {
        private final ArrayList<Integer> open = new ArrayList<>();

        int add(String what, int fd) throws SandboxException {
            if (fd < 0) {
                throw SandboxException.internal("can not " + what + ": " + Errno.name(-fd));
            }
            open.add(fd);
            return fd <= 2 ? dup(fd) : fd;
        }

        int open(String path, int flags) throws SandboxException {
            return add("open " + path, HostFiles.open(path, flags | CLOEXEC, 0x180));
        }

        int dup(int fd) throws SandboxException {
            return add(
                    "duplicate descriptor " + fd,
                    (int) HostFiles.fcntl(fd, Fcntl.F_DUPFD_CLOEXEC, 3));
        }

        int[] pair(int type) throws SandboxException {
            int[] ends = new int[2];
            add("make a socket pair", HostSockets.socketpair(type, ends));
            open.removeLast(); // 0, not a descriptor
            ends[0] = add("", ends[0]);
            ends[1] = add("", ends[1]);
            return ends;
        }

        void keep(int fd) {
            open.remove((Integer) fd);
        }

        void close() {
            for (int fd : open) {
                HostFiles.close(fd);
            }
        }
    }

    /** The exit code in the state directory, or null when the container did not end yet. */
    public static @Nullable Integer exitCode(Path directory) {
        try {
            String text = Files.readString(directory.resolve("exit")).strip();
            return text.isEmpty() ? null : Integer.parseInt(text);
        } catch (IOException | NumberFormatException e) {
            return null;
        }
    }
}
