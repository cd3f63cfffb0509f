package dev.thaw.sentry.net.unix;

import static dev.thaw.abi.Socket.SO_RCVTIMEO;
import static dev.thaw.abi.Socket.SO_SNDTIMEO;

import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.state.RestoreContext;
import dev.thaw.state.Restorer;
import dev.thaw.state.SaveContext;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.StateType;
import java.util.ArrayList;
import java.util.List;

/** What an image keeps of Unix sockets: their connections, names, data and descriptors in flight, and those that wait to be accepted. */
public final class UnixStates {
    /** One socket. {@code inode} is the file that a path names. */
    @StateType(id = 0x0410, version = 1)
    public record State(
            FileDescription.FileState file,
            int kernel,
            int type,
            int peer,
            String name,
            int inode,
            boolean listening,
            boolean wasConnected,
            int backlog,
            int[] pending,
            int shutdown,
            boolean closed,
            int error,
            int[] peerCredentials,
            boolean passCredentials,
            int sendBuffer,
            int receiveBuffer,
            long receiveTimeout,
            long sendTimeout,
            List<Message.State> messages) {}

    static State save(UnixSocket socket, FileDescription.FileState file, SaveContext context) {
        List<Message.State> messages = new ArrayList<>();
        for (Message message : socket.incoming.snapshot()) {
            messages.add(message.save(context));
        }
        int[] pending = socket.pending.stream().mapToInt(context::ref).toArray();
        UnixPath path = socket.path;
        return new State(
                file,
                context.ref(socket.kernel),
                socket.type(),
                context.ref(socket.peer),
                socket.name,
                path == null ? 0 : context.ref(path.inode()),
                socket.listening,
                socket.wasConnected,
                socket.backlog,
                pending,
                socket.shutdown,
                socket.closed,
                socket.error,
                socket.peerCredentials,
                socket.passCredentials,
                socket.sendBuffer,
                socket.receiveBuffer,
                socket.timeout(SO_RCVTIMEO),
                socket.timeout(SO_SNDTIMEO),
                messages);
    }

    private static void restore(UnixSocket socket, State state, RestoreContext context) {
        socket.kernel = context.getOrNull(state.kernel, Kernel.class);
        socket.name = state.name;
        socket.listening = state.listening;
        socket.backlog = state.backlog;
        socket.shutdown = state.shutdown;
        socket.closed = state.closed;
        socket.error = state.error;
        socket.peerCredentials =
                state.peerCredentials.length == 3 ? state.peerCredentials : new int[] {0, -1, -1};
        socket.passCredentials = state.passCredentials;
        socket.sendBuffer = state.sendBuffer;
        socket.receiveBuffer = state.receiveBuffer;
        socket.setTimeout(SO_RCVTIMEO, state.receiveTimeout);
        socket.setTimeout(SO_SNDTIMEO, state.sendTimeout);
        for (int id : state.pending) {
            UnixSocket waiting = context.get(id, UnixSocket.class);
            waiting.restoreReference();
            socket.pending.add(waiting);
        }
        for (Message.State message : state.messages) {
            socket.incoming.add(Message.restore(message, context));
        }
        UnixSocket.CONNECTIONS.lock();
        try {
            socket.setPeerLocked(context.getOrNull(state.peer, UnixSocket.class));
        } finally {
            UnixSocket.CONNECTIONS.unlock();
        }
        socket.wasConnected = state.wasConnected;
        Inode inode = context.getOrNull(state.inode, Inode.class);
        if (inode != null) {
            UnixPath.restore(inode, socket);
        }
        UnixNames.restore(socket);
    }

    /** Adds this package's records. */
    public static void register(StateCatalog catalog) {
        catalog.value(Message.State.class)
                .object(
                        State.class,
                        new Restorer<State, UnixSocket>() {
                            @Override
                            public UnixSocket create(State state, RestoreContext context) {
                                return new UnixSocket(state.file, state.type);
                            }

                            @Override
                            public void link(
                                    UnixSocket socket, State state, RestoreContext context) {
                                restore(socket, state, context);
                            }
                        });
    }

    private UnixStates() {}
}
