package dev.thaw.runsc.cli;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.thaw.abi.Errno;
import dev.thaw.abi.Fcntl;
import dev.thaw.abi.Socket;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostSockets;
import dev.thaw.runsc.SandboxException;
import dev.thaw.runsc.Stdio;
import dev.thaw.runsc.oci.ProcessConfig;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A process's stdio: this process's own, or a new terminal whose master goes to the engine's console socket, as runc does it. */
record Console(Stdio stdio, int slave) implements AutoCloseable {
    private static final long TIOCSPTLCK = 0x40045431L;
    private static final long TIOCGPTN = 0x80045430L;

    /** What {@code process} gets. {@code detached}: a terminal is needed and there is nobody in the foreground to own it. */
    static Console of(
            @Nullable ProcessConfig process, @Nullable Path consoleSocket, boolean detached)
            throws SandboxException {
        boolean terminal = process != null && process.terminal();
        if (!terminal) {
            if (consoleSocket != null) {
                throw SandboxException.invalid(
                        "cannot use console socket if runc will not detach or allocate tty");
            }
            return new Console(Stdio.INHERIT, -1);
        }
        if (consoleSocket == null) {
            if (detached) {
                throw SandboxException.invalid(
                        "cannot allocate tty if runc will detach without setting console socket");
            }
            return new Console(Stdio.INHERIT, -1);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(64, 8);
            int master =
                    check(
                            "open /dev/ptmx",
                            HostFiles.open(
                                    "/dev/ptmx",
                                    Fcntl.O_RDWR | Fcntl.O_NOCTTY | Fcntl.O_CLOEXEC,
                                    0));
            try {
                scratch.set(JAVA_INT, 0, 0);
                check("unlock the terminal", HostFiles.ioctl(master, TIOCSPTLCK, scratch));
                check("name the terminal", HostFiles.ioctl(master, TIOCGPTN, scratch));
                String name = "/dev/pts/" + scratch.get(JAVA_INT, 0);
                int slave =
                        check(
                                "open " + name,
                                HostFiles.open(
                                        name, Fcntl.O_RDWR | Fcntl.O_NOCTTY | Fcntl.O_CLOEXEC, 0));
                send(consoleSocket, name, master, arena);
                return new Console(new Stdio(slave, slave, slave), slave);
            } finally {
                HostFiles.close(master);
            }
        }
    }

    private static void send(Path path, String name, int master, Arena arena)
            throws SandboxException {
        int socket =
                check(
                        "connect to the console socket " + path,
                        HostSockets.connectUnix(path.toString(), Socket.SOCK_STREAM));
        try {
            byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
            MemorySegment data = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, data, JAVA_BYTE, 0, bytes.length);
            check(
                    "send the terminal to " + path,
                    (int) HostSockets.sendmsg(socket, data, bytes.length, 0, master));
        } finally {
            HostFiles.close(socket);
        }
    }

    private static int check(String what, int result) throws SandboxException {
        if (result < 0) {
            throw SandboxException.internal("can not " + what + ": " + Errno.name(-result));
        }
        return result;
    }

    @Override
    public void close() {
        if (slave >= 0) {
            HostFiles.close(slave);
        }
    }
}
