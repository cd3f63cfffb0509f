package dev.thaw.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/** Passes bytes on to a port, and breaks every third connection off when its answers have come to some length. */
final class FlakyProxy implements AutoCloseable {
    private static final int BREAK_AFTER = 20_000;
    private static final int LINGER_OFF = 0;

    private final ServerSocket listener =
            new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
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
                boolean breaks = connections.incrementAndGet() % 3 == 0;
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
            Thread up =
                    Thread.ofVirtual().start(() -> pump(client, server, Integer.MAX_VALUE));
            if (!pump(server, client, breaks ? BREAK_AFTER : Integer.MAX_VALUE)) {
                broken.incrementAndGet();
                client.setSoLinger(true, LINGER_OFF); // a reset, not an end
            }
            client.close();
            server.close();
            up.join();
        } catch (IOException e) {
            // one side is gone
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Copies up to {@code limit} bytes; whether all were copied. */
    private static boolean pump(Socket from, Socket to, int limit) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[4096];
            int left = limit;
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                out.write(buffer, 0, Math.min(count, left));
                left -= count;
                if (left <= 0) {
                    return false;
                }
            }
            to.shutdownOutput();
        } catch (IOException e) {
            // the other direction finds out too
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
