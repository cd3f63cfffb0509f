package dev.thaw.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/** Passes bytes on to a port, and breaks some connections off when what went over them has come to some length: fewer than one request is tried on. */
final class FlakyProxy implements AutoCloseable {
    private static final int BREAK_AFTER = 20_000;

    /** Fewer than the attempts that a client makes. */
    private static final int BREAKS = 2;

    private static final int LINGER_OFF = 0;

    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final int target;
    private final AtomicInteger broken = new AtomicInteger();

    FlakyProxy(int target) throws IOException {
        this.target = target;
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    int broken() {
        return broken.get();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Thread.ofVirtual().start(() -> serve(client));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void serve(Socket client) {
        try (client;
                Socket server = new Socket()) {
            server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target));
            Thread up = Thread.ofVirtual().start(() -> pump(client, server, client));
            pump(server, client, client);
            client.close();
            server.close();
            up.join();
        } catch (IOException e) {
            // one side is gone
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Copies bytes, and resets the client's connection after {@link #BREAK_AFTER} of them if that did not happen {@link #BREAKS} times yet. */
    private void pump(Socket from, Socket to, Socket client) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[4096];
            int left = BREAK_AFTER;
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                boolean breaks = left > 0 && count >= left && broken.incrementAndGet() <= BREAKS;
                out.write(buffer, 0, breaks ? left : count);
                left = Math.max(0, left - count);
                if (breaks) {
                    client.setSoLinger(true, LINGER_OFF); // a reset, not an end
                    client.close();
                    return;
                }
            }
            to.shutdownOutput();
        } catch (IOException e) {
            // the other direction finds out too
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
