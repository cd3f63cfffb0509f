package dev.thaw.sentry.net.unix;

import static dev.thaw.abi.Errno.EADDRINUSE;
import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOSPC;
import static dev.thaw.sentry.ErrnoException.errno;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Kernel;
import java.util.HashMap;
import java.util.Map;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/** The abstract names of one kernel. Not saved: each bound socket knows its own. */
final class UnixNames {
    // Guarded by UnixSocket.CONNECTIONS, as everything here.
    private static final Map<Kernel, UnixNames> BY_KERNEL = new WeakHashMap<>();

    /** Sockets of each type have names of their own. */
    private record Key(int type, String name) {}

    private final Map<Key, UnixSocket> names = new HashMap<>();
    private int lastAutomatic;

    static UnixNames of(Kernel kernel) {
        UnixSocket.CONNECTIONS.lock();
        try {
            return ofLocked(kernel);
        } finally {
            UnixSocket.CONNECTIONS.unlock();
        }
    }

    @GuardedBy("UnixSocket.CONNECTIONS")
    private static UnixNames ofLocked(Kernel kernel) {
        return BY_KERNEL.computeIfAbsent(kernel, _ -> new UnixNames());
    }

    void bind(UnixSocket socket, String name) throws ErrnoException {
        UnixSocket.CONNECTIONS.lock();
        try {
            if (!socket.name.isEmpty()) {
                throw errno(EINVAL);
            }
            if (names.putIfAbsent(new Key(socket.type(), name), socket) != null) {
                throw errno(EADDRINUSE);
            }
            socket.name = name;
        } finally {
            UnixSocket.CONNECTIONS.unlock();
        }
    }

    /** Binds to five hex digits that are free (unix(7), "Autobind feature"). */
    void autobind(UnixSocket socket) throws ErrnoException {
        UnixSocket.CONNECTIONS.lock();
        try {
            for (int i = 0; i < 1 << 20; i++) {
                String name = "\0" + String.format("%05x", ++lastAutomatic & 0xfffff);
                if (names.putIfAbsent(new Key(socket.type(), name), socket) == null) {
                    socket.name = name;
                    return;
                }
            }
            throw errno(ENOSPC);
        } finally {
            UnixSocket.CONNECTIONS.unlock();
        }
    }

    @Nullable UnixSocket find(int type, String name) {
        UnixSocket.CONNECTIONS.lock();
        try {
            return names.get(new Key(type, name));
        } finally {
            UnixSocket.CONNECTIONS.unlock();
        }
    }

    /** The socket closes: its abstract name is free again, its path leads nowhere. */
    @GuardedBy("UnixSocket.CONNECTIONS")
    static void release(UnixSocket socket) {
        Kernel kernel = socket.kernel;
        UnixPath path = socket.path;
        if (path != null) {
            path.forget(socket);
            socket.path = null;
        }
        if (kernel != null && UnixAddress.isAbstract(socket.name)) {
            ofLocked(kernel).names.remove(new Key(socket.type(), socket.name), socket);
        }
    }

    /** A restored socket takes its name back. */
    static void restore(UnixSocket socket) {
        Kernel kernel = socket.kernel;
        if (kernel == null || !UnixAddress.isAbstract(socket.name)) {
            return;
        }
        UnixSocket.CONNECTIONS.lock();
        try {
            ofLocked(kernel).names.putIfAbsent(new Key(socket.type(), socket.name), socket);
        } finally {
            UnixSocket.CONNECTIONS.unlock();
        }
    }

    private UnixNames() {}
}
