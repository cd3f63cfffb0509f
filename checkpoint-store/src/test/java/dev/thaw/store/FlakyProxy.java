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
    private static final int BREAKS = 4;
    private static final int LINGER_OFF = 0;

    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final int target;
    private final AtomicInteger connections = new AtomicInteger();
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
                int count = connections.incrementAndGet();
                boolean breaks = count % 2 == 0 && count <= 2 * BREAKS;
                Thread.ofVirtual().start(() -> serve(client, breaks));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void serve(Socket client, boolean breaks) {
        try (client;
                Socket server = new Socket()) {
            server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target));
            int limit = breaks ? BREAK_AFTER : Integer.MAX_VALUE;
            Thread up = Thread.ofVirtual().start(() -> pump(client, server, client, limit));
            pump(server, client, client, limit);
            client.close();
            server.close();
            up.join();
        } catch (IOException e) {
            // one side is gone
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Copies up to {@code limit} bytes, and resets the client's connection when there are more. */
    private void pump(Socket from, Socket to, Socket client, int limit) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[4096];
            int left = limit;
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                out.write(buffer, 0, Math.min(count, left));
                left -= count;
                if (left <= 0) {
                    broken.incrementAndGet();
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
