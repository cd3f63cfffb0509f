package dev.thaw.store;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A real S3 server (S3Proxy on a directory) as a process of its own. Its class path is that of the tests, or what the system property {@code thaw.s3proxy} names.
 */
public final class S3ProxyServer implements AutoCloseable {
    public static final String BUCKET = "thaw-images";

    private final Path directory;
    private final int port;
    private final Process process;

    /** Starts one that keeps its data in {@code directory}; it knows the key thaw-key with the secret thaw-secret. */
    public S3ProxyServer(Path directory) throws IOException {
        this.directory = directory;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            this.port = free.getLocalPort();
        }
        Files.createDirectories(directory.resolve("data").resolve(BUCKET));
        Path log = directory.resolve("logback.xml");
        Files.writeString(log, "<configuration><root level=\"OFF\"/></configuration>");
        Path config = directory.resolve("s3proxy.properties");
        Files.write(
                config,
                List.of(
                        "s3proxy.endpoint=http://127.0.0.1:" + port,
                        "s3proxy.authorization=aws-v2-or-v4",
                        "s3proxy.identity=thaw-key",
                        "s3proxy.credential=thaw-secret",
                        "jclouds.provider=filesystem-nio2",
                        "jclouds.identity=x",
                        "jclouds.credential=y",
                        "jclouds.filesystem.basedir=" + directory.resolve("data")));
        this.process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "-Xmx512m",
                                "-Dlogback.configurationFile=" + log,
                                "-cp",
                                System.getProperty(
                                        "thaw.s3proxy", System.getProperty("java.class.path")),
                                "org.gaul.s3proxy.Main",
                                "--properties",
                                config.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(directory.resolve("s3proxy.log").toFile())
                        .start();
        awaitListening();
    }

    private void awaitListening() throws IOException {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (true) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
                return;
            } catch (IOException e) {
                if (!process.isAlive() || System.nanoTime() - end > 0) {
                    String log = Files.readString(directory.resolve("s3proxy.log"));
                    close();
                    throw new IOException("S3Proxy does not start: " + log, e);
                }
                LockSupport.parkNanos(50_000_000);
            }
        }
    }

    public int port() {
        return port;
    }

    /** Where an object's bytes lie. */
    Path file(String key) {
        return directory.resolve("data").resolve(BUCKET).resolve(key);
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
