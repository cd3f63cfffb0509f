package dev.thaw.gofer;

import static dev.thaw.abi.Fcntl.O_CLOEXEC;
import static dev.thaw.abi.Fcntl.O_DIRECTORY;
import static dev.thaw.abi.Fcntl.O_PATH;

import dev.thaw.host.HostFiles;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The gofer process: {@code GoferMain SOCKET_FD (FD:ro|rw:NAME)…}. The descriptors are inherited: a socket of type SOCK_SEQPACKET whose other end the Sentry has,
 * and for each root the directory (or, for a bind mount of a file, the file), opened with O_PATH. The process ends when the Sentry closes its end.
 */
public final class GoferMain {
    public static void main(String[] args) {
        Runtime.getRuntime().halt(run(args));
    }

    private static int run(String[] args) {
        int socket;
        List<GoferRoot> roots = new ArrayList<>();
        List<Integer> fds = new ArrayList<>();
        try {
            if (args.length < 2) {
                throw new IllegalArgumentException("usage: SOCKET_FD (FD:ro|rw:NAME)...");
            }
            socket = Integer.parseInt(args[0]);
            for (int i = 1; i < args.length; i++) {
                String[] parts = args[i].split(":", 3);
                if (parts.length != 3 || !(parts[1].equals("ro") || parts[1].equals("rw"))) {
                    throw new IllegalArgumentException("not FD:ro|rw:NAME: " + args[i]);
                }
                fds.add(Integer.parseInt(parts[0]));
                roots.add(new GoferRoot(i - 1, parts[1].equals("ro"), parts[2]));
            }
        } catch (IllegalArgumentException e) {
            return fail(e.getMessage());
        }
        int procFd = HostFiles.open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        if (procFd < 0) {
            return fail("can not open /proc/self/fd: errno " + -procFd);
        }
        String failure;
        try {
            GoferConfinement.rehearse(procFd);
            boolean writes = false;
            for (GoferRoot root : roots) {
                writes |= !root.readOnly();
            }
            if (Boolean.getBoolean("thaw.aot.train")) { // writes a class cache at its end
                GoferConfinement.train(procFd);
                failure = null;
            } else {
                failure = GoferConfinement.enter(procFd, writes);
            }
        } catch (Exception e) {
            failure = e.toString();
        }
        if (failure != null) {
            return fail("can not confine itself: " + failure);
        }
        GoferServer server = new GoferServer(roots, fds, procFd);
        server.serve(socket);
        return 0;
    }

    private static int fail(@Nullable String message) {
        System.err.println("gofer: " + message);
        return 1;
    }

    private GoferMain() {}
}
