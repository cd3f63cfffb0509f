package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two processes use one store, and are killed by SIGKILL in the middle of it. */
final class StoreKillTest {
    private static final int ROUNDS = 4;

    @TempDir Path root;

    @Test
    void processesThatAreKilledLeaveASoundStore() throws IOException, InterruptedException {
        LocalImageStore store = new LocalImageStore(root);
        StoredImage kept = Images.commit(store.begin(), Images.memory(512, 1));
        Random random = new Random(7);
        for (int round = 0; round < ROUNDS; round++) {
            List<Process> processes = List.of(worker(round), worker(round + 100));
            for (Process process : processes) {
                BufferedReader out =
                        new BufferedReader(
                                new InputStreamReader(
                                        process.getInputStream(), StandardCharsets.UTF_8));
                assertThat(out.readLine()).isEqualTo("working");
            }
            assertThat(processes.getFirst().waitFor(random.nextInt(600), TimeUnit.MILLISECONDS))
                    .isFalse();
            for (Process process : processes) {
                process.destroyForcibly().waitFor();
            }
            assertThat(store.verify()).isEmpty();
            kept.verify();
            Images.commit(store.begin(), Images.memory(100, round)).verify();
        }
        assertThat(store.collect().problems()).isEmpty();
        for (StoredImage image : store.list()) {
            store.delete(image.id());
        }
        assertThat(StoreFiles.list(root, "*"))
                .extracting(file -> file.getFileName().toString())
                .containsExactly("lock");
    }

    private Process worker(int seed) throws IOException {
        return new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dthaw.native=" + System.getProperty("thaw.native"),
                        Worker.class.getName(),
                        root.toString(),
                        String.valueOf(seed))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** Saves, deletes its own images and collects until it is killed. */
    static final class Worker {
        public static void main(String[] args) throws IOException {
            LocalImageStore store = new LocalImageStore(Path.of(args[0]));
            Random random = new Random(Long.parseLong(args[1]));
            System.out.println("working");
            System.out.flush();
            StoredImage before =
                    Images.commit(store.begin(), Images.memory(200, random.nextInt(5)));
            while (true) {
                StoredImage next =
                        Images.commit(store.begin(), Images.memory(300, random.nextInt(5)));
                store.delete(before.id());
                store.collect();
                before = next;
            }
        }

        private Worker() {}
    }
}
