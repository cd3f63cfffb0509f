package dev.thaw.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.store.S3ProxyServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Images that go to a store by {@code runsc} and come back from it. */
class StoreIT {
    private static final String COUNTER =
            "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); echo n $i; sleep 0.02; done";

    @Test
    void directory_keepsAndCollects() {
        try (Runsc runsc = new Runsc("systrap")) {
            checkStore(runsc, runsc.work().resolve("store").toString());
        }
    }

    @Test
    void s3_keepsAndCollects() throws IOException {
        try (Runsc runsc = new Runsc("systrap");
                S3ProxyServer server = new S3ProxyServer(runsc.work().resolve("s3"))) {
            runsc.setEnvironment("AWS_ACCESS_KEY_ID", "thaw-key");
            runsc.setEnvironment("AWS_SECRET_ACCESS_KEY", "thaw-secret");
            String store =
                    "s3://"
                            + S3ProxyServer.BUCKET
                            + "/it?endpoint=http://127.0.0.1:"
                            + server.port()
                            + "&cache=";
            String warm = store + runsc.work().resolve("cache");
            checkStore(runsc, warm);
            String id = runsc.run("image", "list", "-q", "--store", warm).out().strip();
            Path cold = runsc.work().resolve("cold");
            assertThat(restored(runsc, "elsewhere", store + cold, id)).contains("n ");
            runsc.setEnvironment("AWS_SECRET_ACCESS_KEY", "wrong");
            assertThat(runsc.run("image", "list", "--store", store + cold).failsWith(1).err())
                    .startsWith("runsc: s3://" + S3ProxyServer.BUCKET + "/it/images/: ")
                    .hasLineCount(1);
        }
    }

    private static void checkStore(Runsc runsc, String store) {
        Path bundle = runsc.bundle("/bin/busybox", "sh", "-c", COUNTER);
        Path output = runsc.runDetached("a", bundle);
        Runsc.awaitText(output, "n 5\n");
        String first =
                runsc.run("checkpoint", "--store", store, "--leave-running", "a")
                        .succeeds()
                        .out()
                        .strip();
        String second =
                runsc.run("checkpoint", "--store", store, "--label", "stage=two", "a")
                        .succeeds()
                        .out()
                        .strip();
        assertThat(runsc.run("image", "list", "--store", store).succeeds().out().lines())
                .hasSize(3)
                .anyMatch(line -> line.startsWith(first))
                .anyMatch(line -> line.startsWith(second) && line.endsWith("stage=two"));

        assertThat(restored(runsc, "b", store, second)).startsWith("n ");
        long length = Runsc.read(runsc.work().resolve("b.out")).length();
        assertThat(
                        runsc.run("image", "retain", "--store", store, "--keep-label", "stage=two")
                                .succeeds()
                                .out())
                .isEqualTo(first + "\n");
        runsc.run("image", "delete", "--store", store, first).failsWith(1);
        runsc.run("image", "gc", "--store", store).succeeds();
        runsc.run("image", "verify", store + "#" + second).succeeds();
        runsc.run("image", "verify", store + "#").succeeds();
        Runsc.awaitGrowth(runsc.work().resolve("b.out"), length + 100);
        runsc.run("delete", "--force", "b").succeeds();
    }

    /** Restores, and returns what the program says when it goes on. */
    private static String restored(Runsc runsc, String id, String store, String image) {
        Path output = runsc.work().resolve(id + ".out");
        Path bundle = runsc.bundle("/bin/true");
        Runsc.await(
                        runsc.start(
                                List.of(
                                        "restore",
                                        "--detach",
                                        "--store",
                                        store,
                                        "--image-path",
                                        image,
                                        "--bundle",
                                        bundle.toString(),
                                        id),
                                output),
                        60)
                .succeeds();
        Runsc.awaitGrowth(output, 10);
        return Runsc.read(output);
    }
}
