package dev.thaw.sentry.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.state.ImageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real kernel's state with some bytes changed: numbers that are others, ids of other objects, circles. The restore refuses it with a line, or takes it; it does not hang, and nothing else comes out. */
final class ForgedStateTest {
    private static final int STATES = Integer.getInteger("forged.states", 60);

    @TempDir Path temp;

    @Test
    void aForgedStateIsRefusedOrRestored() throws Exception {
        Path source = Path.of("it/src/guest/c/events.c");
        if (!Files.exists(source)) {
            source = Path.of("../it/src/guest/c/events.c");
        }
        Path binary = TestSandbox.compile(temp, source);
        try (TestSandbox sandbox = new TestSandbox("systrap", temp, binary)) {
            sandbox.awaitOutput("ready\n");
            LockSupport.parkNanos(50_000_000);
            sandbox.save();
            byte[] state = sandbox.state();
            int objects = objects(state);
            Random random = new Random(Long.getLong("forged.seed", 3));
            int refused = 0;
            for (int i = 0; i < STATES; i++) {
                byte[] forged = state.clone();
                StringBuilder what = new StringBuilder();
                for (int n = random.nextInt(3); n >= 0; n--) {
                    int at = objects + random.nextInt(state.length - objects);
                    forged[at] =
                            random.nextBoolean()
                                    ? (byte) random.nextInt(0x80) // a small number, often an id
                                    : (byte) random.nextInt();
                    what.append(at).append('=').append(forged[at]).append(' ');
                }
                refused += isRefused(sandbox, forged, what.toString()) ? 1 : 0;
            }
            assertThat(refused).isBetween(1, STATES);
        }
    }

    private static boolean isRefused(TestSandbox sandbox, byte[] forged, String what) {
        return Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(30),
                () -> {
                    try {
                        sandbox.restoreForged(forged);
                        return false;
                    } catch (ImageException e) {
                        assertThat(e.getMessage()).as(what).doesNotContain("\n");
                        return true;
                    } catch (Throwable e) {
                        throw new AssertionError(what + e, e);
                    }
                });
    }

    /** Where the objects begin: behind types and roots, which {@code ImageAttackTest} forges. */
    private static int objects(byte[] state) {
        String hex = HexFormat.of().formatHex(state);
        int at = hex.lastIndexOf(HexFormat.of().formatHex("string".getBytes())) / 2;
        assertThat(at).isPositive();
        return at + 40;
    }
}
