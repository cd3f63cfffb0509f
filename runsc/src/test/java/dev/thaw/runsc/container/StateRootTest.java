package dev.thaw.runsc.container;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.runsc.SandboxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StateRootTest {
    @TempDir Path temp;

    private static ContainerState state(String id, int pid) {
        return new ContainerState(
                id,
                ContainerState.RUNNING,
                pid,
                HostProcesses.startTime(pid),
                "/b \"q\" \u0001",
                "/r",
                "2026",
                "systrap",
                "",
                Map.of("k", "v\n"));
    }

    @Test
    void store_bringsBackEveryField() throws Exception {
        StateRoot root = new StateRoot(temp.resolve("not/yet"));
        root.create("a");
        ContainerState state = state("a", (int) ProcessHandle.current().pid());
        root.store(state);
        assertThat(root.load("a")).isEqualTo(state);
        assertThat(root.list()).containsExactly(state);
        try (var files = Files.list(root.directory("a"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactly("state.json");
        }
    }

    @Test
    void load_seesThatTheProcessIsGone() throws Exception {
        StateRoot root = new StateRoot(temp);
        root.create("a");
        int self = (int) ProcessHandle.current().pid();
        root.store(
                state("a", self)
                        .withPid(
                                self,
                                HostProcesses.startTime(self)
                                        + 1)); // another process has its number
        assertThat(root.load("a").status()).isEqualTo(ContainerState.STOPPED);
    }

    @Test
    void create_refusesWhatIsThere() throws Exception {
        StateRoot root = new StateRoot(temp);
        root.create("a");
        assertThatThrownBy(() -> root.create("a"))
                .isInstanceOf(SandboxException.class)
                .hasMessageContaining("already exists");
        root.remove("a");
        root.create("a");
        assertThat(root.list()).isEmpty(); // no state yet
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "../a", "a b", "\u00e9", "a\0"})
    void create_refusesIdsThatAreNoFileName(String id) {
        assertThatThrownBy(() -> new StateRoot(temp).create(id))
                .isInstanceOf(SandboxException.class)
                .hasMessageStartingWith("invalid container ID format");
    }

    @Test
    void lock_excludesOtherThreads() throws Exception {
        StateRoot root = new StateRoot(temp);
        root.create("a");
        AtomicReference<String> order = new AtomicReference<>("");
        CountDownLatch tries = new CountDownLatch(1);
        Thread other;
        try (StateRoot.Lock lock = root.lock("a")) {
            other =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        tries.countDown();
                                        try (StateRoot.Lock second = root.lock("a")) {
                                            order.accumulateAndGet("2", String::concat);
                                        } catch (SandboxException e) {
                                            order.set(e.getMessage());
                                        }
                                    });
            tries.await();
            order.accumulateAndGet("1", String::concat);
        }
        other.join();
        assertThat(order.get()).isEqualTo("12");
    }

    @Test
    void lock_ofNothingIsRefused() {
        assertThatThrownBy(() -> new StateRoot(temp).lock("none"))
                .isInstanceOf(SandboxException.class)
                .hasMessage("container does not exist: none");
    }
}
