package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ends a store's operations before each change of a file that they make, as a kill would, and looks at what is left. */
final class StoreCrashTest {
    @TempDir Path temp;

    private interface Operation {
        void run(LocalImageStore store, List<StoredImage> images) throws IOException;
    }

    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    @Test
    void aSaveThatIsKilledAnywhereLeavesASoundStore() throws IOException {
        killEverywhere((store, images) -> Images.commit(store.begin(), Images.memory(700, 9)));
    }

    @Test
    void aDeletionThatIsKilledAnywhereLeavesASoundStore() throws IOException {
        killEverywhere((store, images) -> store.delete(images.getFirst().id()));
    }

    @Test
    void aCollectionThatIsKilledAnywhereLeavesASoundStore() throws IOException {
        Path root = temp.resolve("control");
        fill(root);
        assertThat(new LocalImageStore(root).collect().rewritten()).isEqualTo(1);
        killEverywhere((store, images) -> store.collect());
    }

    @Test
    void aRestoreThatIsKilledAnywhereLeavesASoundStore() throws IOException {
        killEverywhere(
                (store, images) -> {
                    try (ImageLease lease = store.open(images.getLast().id())) {
                        lease.image().verify();
                    }
                });
    }

    private void killEverywhere(Operation operation) throws IOException {
        boolean complete = false;
        for (int n = 1; !complete; n++) {
            Path root = temp.resolve("store" + n);
            List<StoredImage> images = fill(root);
            AtomicInteger steps = new AtomicInteger();
            int last = n;
            StoreFiles.Watch watch =
                    (step, file) -> {
                        if (steps.incrementAndGet() >= last) {
                            throw new Killed(); // and whatever cleans up is dead too
                        }
                    };
            Throwable end =
                    ScopedValue.where(StoreFiles.WATCH, watch)
                            .call(
                                    () -> {
                                        try {
                                            operation.run(new LocalImageStore(root), images);
                                            return null;
                                        } catch (Killed e) {
                                            return e;
                                        }
                                    });
            complete = steps.get() < n;
            assertThat(end == null).as("it ends when it is killed").isEqualTo(complete);
            OwnedFile.dieIn(root.toRealPath());
            assertSoundAndUsable(root, images, operation);
        }
    }

    /** Two images that share chunks, and a pack that is mostly dead. */
    private static List<StoredImage> fill(Path root) throws IOException {
        LocalImageStore store = new LocalImageStore(root);
        MemorySegment memory = Images.memory(1024, 1);
        StoredImage first = Images.commit(store.begin(), memory);
        Images.change(memory, 100, 1000, 2);
        StoredImage second = Images.commit(store.begin(), memory);
        Images.change(memory, 0, 64, 3);
        StoredImage third = Images.commit(store.begin(), memory);
        store.delete(first.id());
        return List.of(second, third);
    }

    private static void assertSoundAndUsable(
            Path root, List<StoredImage> images, Operation operation) throws IOException {
        LocalImageStore store = new LocalImageStore(root);
        assertThat(store.verify()).isEmpty();
        Set<String> ids = new HashSet<>();
        store.list().forEach(image -> ids.add(image.id()));
        for (StoredImage image : images) {
            if (ids.contains(image.id())) {
                image.verify();
            }
        }
        assertThat(ids).contains(images.getLast().id());

        if (ids.contains(images.getFirst().id())) { // else a deletion got that far
            assertThatCode(() -> operation.run(store, images)).doesNotThrowAnyException();
        }
        assertThat(store.collect().problems()).isEmpty();
        assertThat(store.collect().rewritten()).isZero();
        assertThat(store.verify()).isEmpty();
        Set<String> named = new TreeSet<>(List.of("lock"));
        for (StoredImage image : store.list()) {
            named.add(image.id() + ".json");
            named.add(image.meta().getFileName().toString());
            named.add(image.chunks().getFileName().toString());
            image.packs().forEach(pack -> named.add(pack.getFileName().toString()));
        }
        for (Path file : StoreFiles.list(root, "*.live")) {
            assertThat(Files.exists(Path.of(file.toString().replace(".live", ".pack")))).isTrue();
            named.add(file.getFileName().toString());
        }
        assertThat(StoreFiles.list(root, "*"))
                .extracting(file -> file.getFileName().toString())
                .containsExactlyInAnyOrderElementsOf(named);
    }
}
