package dev.thaw.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.state.ImageException;
import dev.thaw.state.crypt.Primitives;
import dev.thaw.state.crypt.WrappedKey;
import dev.thaw.store.s3.S3Location;
import dev.thaw.store.s3.S3Objects;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A remote store on a real S3 server. */
final class S3StoreTest {
    private static final long PLENTY = 1L << 30;

    @TempDir static Path shared;
    private static S3ProxyServer server;
    private static final AtomicInteger PREFIXES = new AtomicInteger();

    @TempDir Path temp;
    private String prefix = "";

    @BeforeAll
    static void start() throws IOException {
        System.setProperty("aws.accessKeyId", "thaw-key");
        System.setProperty("aws.secretAccessKey", "thaw-secret");
        server = new S3ProxyServer(shared);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void choosePrefix() {
        prefix = "p" + PREFIXES.incrementAndGet();
    }

    private S3Objects objects() throws IOException {
        return objects(server.port());
    }

    private S3Objects objects(int port) throws IOException {
        return new S3Objects(
                S3Location.parse(
                        "s3://"
                                + S3ProxyServer.BUCKET
                                + "/"
                                + prefix
                                + "?endpoint=http://127.0.0.1:"
                                + port));
    }

    /** The store as another machine would see it, which throws garbage away at once. */
    private RemoteImageStore store(String machine) throws IOException {
        return store(objects(), machine, PLENTY, Duration.ofHours(1));
    }

    private RemoteImageStore store(
            ObjectStore objects, String machine, long cacheBytes, Duration silence)
            throws IOException {
        return new RemoteImageStore(
                objects,
                new RemoteImageStore.Options(
                        temp.resolve(machine), cacheBytes, Duration.ZERO, silence));
    }

    @Test
    void anImageOfManyPartsIsThereForAnotherMachineAndSharesItsChunks() throws IOException {
        MemorySegment memory = Images.memory(8192, 1);
        try (RemoteImageStore here = store("here");
                RemoteImageStore there = store("there")) {
            StoredImage first = Images.commit(here.begin(), memory);
            assertThat(Files.size(server.file(prefix + "/files/" + first.id() + ".pack")))
                    .isGreaterThan(16 << 20);
            Images.change(memory, 0, 64, 2);
            StoredImage second = Images.commit(there.begin(), memory);
            assertThat(second.manifest().sizes().newChunks()).isEqualTo(1);
            assertThat(here.list())
                    .extracting(StoredImage::id)
                    .containsExactly(first.id(), second.id());
            try (ImageLease lease = there.open(second.id())) {
                lease.image().verify();
                assertThat(lease.image().packs()).hasSize(2).allMatch(Files::exists);
            }
            try (ImageLease lease = there.open(first.id())) { // the one chunk that is not yet there
                lease.image().verify();
            }
            assertThat(here.verify()).isEmpty();
            here.delete(first.id());
            assertThatThrownBy(() -> there.get(first.id()))
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining("no image " + first.id() + " in s3://");
            collect(here);
            assertThat(there.verify()).isEmpty();
            here.delete(second.id());
            collect(here);
        }
        try (S3Objects objects = objects()) {
            assertThat(objects.list("")).extracting(ObjectStore.Stat::key).containsExactly("clock");
        }
    }

    /** What is dead, and known to be. */
    private static void collect(RemoteImageStore store) throws IOException {
        assertThat(store.collect().problems()).isEmpty();
        assertThat(store.collect().problems()).isEmpty();
    }

    @Test
    void aDraftKeepsWhatItReliesOnWhileItsImageIsDeleted() throws IOException {
        try (RemoteImageStore here = store("here");
                RemoteImageStore there = store("there")) {
            MemorySegment memory = Images.memory(200, 1);
            StoredImage first = Images.commit(here.begin(), memory);
            ImageDraft draft = here.begin();
            there.delete(first.id());
            collect(there);
            StoredImage second = Images.commit(draft, memory);
            assertThat(second.manifest().sizes().newChunks()).isZero();
            collect(there);
            assertThat(there.verify()).isEmpty();
            try (ImageLease lease = there.open(second.id())) {
                lease.image().verify();
            }
        }
    }

    @Test
    void aWriterThatWasTakenForDeadLeavesNoImage() throws IOException, InterruptedException {
        try (RemoteImageStore here = store("here");
                RemoteImageStore strict =
                        store(objects(), "strict", PLENTY, Duration.ofSeconds(-2))) {
            StoredImage first = Images.commit(here.begin(), Images.memory(200, 1));
            ImageDraft draft = here.begin();
            collect(strict);
            assertThatThrownBy(() -> Images.commit(draft, Images.memory(200, 1)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("no sign for too long");
            draft.close();
            assertThat(here.list()).extracting(StoredImage::id).containsExactly(first.id());
            assertThat(here.verify()).isEmpty();
        }
    }

    @Test
    void whatIsDamagedOrMissingIsNamedAndRefused() throws IOException {
        try (RemoteImageStore here = store("here");
                RemoteImageStore there = store("there")) {
            StoredImage first = Images.commit(here.begin(), Images.memory(256, 1));
            StoredImage second = Images.commit(here.begin(), Images.memory(256, 2));
            Path pack = server.file(prefix + "/files/" + first.id() + ".pack");
            byte[] bytes = Files.readAllBytes(pack);
            bytes[1000] ^= 4;
            bytes[bytes.length - 1000] ^= 4;
            Files.write(pack, bytes);
            Files.delete(server.file(prefix + "/files/" + second.id() + ".meta"));
            assertThat(here.verify())
                    .hasSize(3)
                    .anyMatch(fault -> fault.endsWith(second.id() + ".meta is missing"));
            assertThatThrownBy(() -> there.open(first.id()).close())
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining(first.id() + ".pack chunk")
                    .hasMessageContaining("damaged");
            assertThatThrownBy(() -> there.open(second.id()).close())
                    .isInstanceOf(ImageException.class)
                    .hasMessageContaining("is missing");
        }
    }

    @Test
    void aParentStaysUnderItsChildrenAndAKeyIsChangedForAll() throws IOException {
        Path keys =
                Files.createFile(
                        temp.resolve("keys"),
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
        String base64 = Base64.getEncoder().encodeToString(new byte[32]);
        Files.write(keys, List.of("k1 " + base64, "k2 " + base64.replace('A', 'B')));
        try (KeyRing ring = KeyRing.read(keys, null, () -> Primitives.JDK);
                RemoteImageStore here = store("here");
                RemoteImageStore there = store("there");
                S3Objects objects = objects()) {
            StoredImage parent =
                    Images.commit(
                            here.begin().encrypt(ring, "k1", List.of()), Images.memory(70, 1));
            assertThat(there.get(parent.id()).with(ring).rekey("k2").id()).isEqualTo(parent.id());
            for (RemoteImageStore store : List.of(here, there)) {
                WrappedKey key = store.get(parent.id()).manifest().encryption();
                assertThat(key).isNotNull().extracting(WrappedKey::keyId).isEqualTo("k2");
            }
            try (ImageLease lease = here.open(parent.id())) {
                lease.image().with(ring).verify();
            }
            StoredImage child = Images.childOf(parent, temp);
            objects.put("images/" + child.id() + ".json", temp.resolve(child.id() + ".json"));
            assertThatThrownBy(() -> there.delete(parent.id())).hasMessageContaining(child.id());
            assertThat(there.retain(new RetentionPolicy(1, null, Map.of()), Instant.now()))
                    .isEmpty();
            objects.delete("images/" + parent.id() + ".json");
            assertThat(here.verify()).singleElement().asString().endsWith(parent.id());
        }
    }

    @Test
    void connectionsThatBreakOffAreTriedAgain() throws IOException {
        try (FlakyProxy proxy = new FlakyProxy(server.port());
                RemoteImageStore here =
                        store(objects(proxy.port()), "here", PLENTY, Duration.ofHours(1));
                RemoteImageStore there =
                        store(objects(proxy.port()), "there", PLENTY, Duration.ofHours(1))) {
            for (int i = 0; i < 3; i++) {
                StoredImage image = Images.commit(here.begin(), Images.memory(600, i));
                try (ImageLease lease = there.open(image.id())) {
                    lease.image().verify();
                }
            }
            assertThat(there.verify()).isEmpty();
            assertThat(proxy.broken()).isPositive();
        }
    }

    @Test
    void aReaderThatIsKilledAnywhereLeavesAUsableCache() throws IOException {
        try (RemoteImageStore writer = store("writer");
                RemoteImageStore reader = store(objects(), "reader", 1, Duration.ofHours(1))) {
            MemorySegment memory = Images.memory(300, 1);
            Images.commit(writer.begin(), memory);
            Images.change(memory, 0, 64, 2);
            String id = Images.commit(writer.begin(), memory).id();
            AtomicInteger steps = new AtomicInteger();
            int n = 0;
            do {
                reader.collect(); // the cache is to hold one byte
                assertThat(cached("reader")).isEmpty();
                steps.set(0);
                int last = ++n;
                StoreFiles.Watch watch =
                        (step, file) -> {
                            if (steps.incrementAndGet() >= last) {
                                throw new KilledObjects.Killed();
                            }
                        };
                ScopedValue.where(StoreFiles.WATCH, watch)
                        .run(
                                () -> {
                                    try (ImageLease lease = reader.open(id)) {
                                        assertThat(lease.image().id()).isEqualTo(id);
                                    } catch (KilledObjects.Killed e) {
                                        // what it leaves is looked at below
                                    } catch (IOException e) {
                                        throw new java.io.UncheckedIOException(e);
                                    }
                                });
                OwnedFile.dieIn(temp.toRealPath().resolve("reader"));
                try (ImageLease lease = reader.open(id)) {
                    lease.image().verify();
                }
            } while (steps.get() >= n);
            assertThat(n).isGreaterThan(10);
        }
    }

    @Test
    void theCacheKeepsItsBoundAndWhatIsLeased() throws IOException {
        try (RemoteImageStore writer = store("writer");
                RemoteImageStore reader =
                        store(objects(), "small", 2_000_000, Duration.ofHours(1));
                RemoteImageStore neighbour =
                        store(objects(), "small", 2_000_000, Duration.ofHours(1))) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                ids.add(Images.commit(writer.begin(), Images.memory(400, i)).id());
            }
            try (ImageLease first = reader.open(ids.getFirst())) {
                for (String id : ids) {
                    try (ImageLease lease = neighbour.open(id)) {
                        lease.image().verify();
                    }
                }
                first.image().verify();
                assertThat(cached("small")).contains(ids.getFirst() + ".pack");
            }
            try (ImageLease last = neighbour.open(ids.getLast())) {
                last.image().verify();
            }
            assertThat(cached("small"))
                    .filteredOn(name -> name.endsWith(".pack"))
                    .containsExactly(ids.getLast() + ".pack");
        }
    }

    private List<String> cached(String machine) throws IOException {
        return StoreFiles.list(temp.resolve(machine).resolve("files"), "*").stream()
                .map(file -> file.getFileName().toString())
                .toList();
    }

    @Test
    void writersDeletersAndCollectorsAtOnceLoseNothing()
            throws IOException, InterruptedException, ExecutionException {
        Set<String> kept = ConcurrentHashMap.newKeySet();
        AtomicBoolean stop = new AtomicBoolean();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                RemoteImageStore reader = store("reader")) {
            List<Future<?>> writers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                int writer = i;
                writers.add(
                        threads.submit(
                                () -> {
                                    try (RemoteImageStore store = store("w" + writer)) {
                                        for (int n = 0; n < 8; n++) {
                                            MemorySegment memory = Images.memory(300, n / 3);
                                            StoredImage image =
                                                    Images.commit(store.begin(), memory);
                                            if (n % 2 == 0) {
                                                kept.add(image.id());
                                            } else {
                                                store.delete(image.id());
                                            }
                                        }
                                        return null;
                                    }
                                }));
            }
            List<Future<?>> collectors = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                int collector = i;
                collectors.add(
                        threads.submit(
                                () -> {
                                    try (RemoteImageStore store = store("c" + collector)) {
                                        while (!stop.get()) {
                                            store.collect();
                                        }
                                        return null;
                                    }
                                }));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
            stop.set(true);
            for (Future<?> collector : collectors) {
                collector.get();
            }
            collect(reader);
            assertThat(reader.verify()).isEmpty();
            assertThat(reader.list()).extracting(StoredImage::id).hasSameElementsAs(kept);
        }
    }

    @Test
    void aWriterThatIsKilledAnywhereLeavesASoundStore() throws IOException {
        MemorySegment memory = Images.memory(300, 1);
        try (RemoteImageStore store = store("keeper")) {
            StoredImage kept = Images.commit(store.begin(), memory);
            Images.change(memory, 0, 64, 2);
            boolean complete = false;
            for (int n = 1; !complete; n++) {
                KilledObjects dying = new KilledObjects(objects(), n);
                try (RemoteImageStore victim =
                        store(dying, "victim" + n, PLENTY, Duration.ofHours(1))) {
                    StoredImage image = Images.commit(victim.begin(), memory);
                    victim.delete(image.id());
                    victim.collect();
                    complete = true;
                } catch (KilledObjects.Killed e) {
                    assertThat(store.verify()).isEmpty();
                }
                assertThat(store.list()).extracting(StoredImage::id).contains(kept.id());
                for (StoredImage image : store.list()) {
                    if (!image.id().equals(kept.id())) {
                        store.delete(image.id());
                    }
                }
            }
            try (RemoteImageStore strict =
                    store(objects(), "strict", PLENTY, Duration.ofSeconds(-2))) {
                collect(strict);
            }
            assertThat(store.verify()).isEmpty();
            Set<String> names = new HashSet<>();
            try (S3Objects objects = objects()) {
                objects.list("").forEach(stat -> names.add(stat.key()));
            }
            assertThat(names)
                    .containsExactlyInAnyOrder(
                            "clock",
                            "images/" + kept.id() + ".json",
                            "files/" + kept.id() + ".meta",
                            "files/" + kept.id() + ".chunks",
                            "files/" + kept.id() + ".pack");
        }
    }
}
