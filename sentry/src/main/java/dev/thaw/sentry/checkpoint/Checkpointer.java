package dev.thaw.sentry.checkpoint;

import dev.thaw.platform.Platform;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.platform.memory.PageSnapshot;
import dev.thaw.sentry.kernel.Kernel;
import dev.thaw.sentry.mm.MemoryManager;
import dev.thaw.state.ImageException;
import dev.thaw.state.MemoryBound;
import dev.thaw.state.Saveable;
import dev.thaw.state.StateCatalog;
import dev.thaw.state.image.ChunkIndex;
import dev.thaw.state.image.ChunkReader;
import dev.thaw.state.image.ContentHash;
import dev.thaw.state.image.ImageCodec;
import dev.thaw.state.image.ImageFormat;
import dev.thaw.state.image.ImageMeta;
import dev.thaw.state.image.PageMap;
import dev.thaw.state.image.PagesWriter;
import dev.thaw.state.image.StateReader;
import dev.thaw.state.image.StateWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Saves a whole kernel to an image and brings it back. The image's files are descriptors that runsc opened: the sandbox process has no file system. runsc also makes
 * what is written an image (sync, manifest, rename), or throws it away.
 */
public final class Checkpointer {
    private static final System.Logger LOG = System.getLogger("dev.thaw.sentry.checkpoint");
    private static final int THREADS = 2;
    private static final int MAX_INDEX = 1 << 30;

    /** From here on write access is withdrawn ahead of the pause too. */
    private static final long MUCH_MEMORY = 8L << 20;

    /** A stretch in so many chunks is written as one again when something in it changes, so that a restore need not read a chunk of each ancestor for it. */
    private static final int MAX_CHUNKS = 4;

    /**
     * What {@link #save} wrote, and how long the guest stood still: until it went on, or until the end.
     *
     * @param copied pages that the guest wrote before they had been read
     */
    public record Saved(long bytes, long pausedNanos, int stateBytes, long pages, long copied) {}

    /**
     * Pauses the kernel and writes its state and pages. With {@code live} the kernel goes on as soon as its state is known, and its pages are written behind its back; it runs when this returns, also when it
     * throws. Else it is paused then: let it go on with {@link Kernel#resume}, or end it. One at a time.
     *
     * @param packFd an empty file for pages, best with O_DIRECT
     * @param metaFd an empty file for state and page map
     * @param knownFd a file of hashes of chunks that need not be written, or -1
     * @param codec says whether the image is in clear or under a key
     */
    public static Saved save(
            Kernel kernel, boolean live, int packFd, int metaFd, int knownFd, ImageCodec codec)
            throws IOException {
        return save(kernel, live, packFd, metaFd, knownFd, -1, codec);
    }

    /**
     * As above, and what did not change since the image whose state file {@code parentFd} is (-1 for none) is left to that one's chunks. It must be the last that was made of this kernel, or that it came
     * from; an {@link ImageException} says when it is not.
     */
    public static Saved save(
            Kernel kernel,
            boolean live,
            int packFd,
            int metaFd,
            int knownFd,
            int parentFd,
            ImageCodec codec)
            throws IOException {
        Set<ContentHash> known = readKnown(knownFd);
        PageMap parent = parentFd < 0 ? null : readParent(kernel, parentFd, codec);
        Frozen frozen = freeze(kernel, live, parent);
        try (PageSnapshot snapshot = frozen.pages) {
            Saved saved = write(kernel, frozen, parent, known, packFd, metaFd, codec);
            snapshot.complete();
            return live
                    ? saved
                    : new Saved(
                            saved.bytes,
                            System.nanoTime() - frozen.start,
                            saved.stateBytes,
                            saved.pages,
                            saved.copied);
        }
    }

    /** A kernel at one moment. */
    private record Frozen(StateWriter state, PageSnapshot pages, long start, long pausedNanos) {}

    private static PageMap readParent(Kernel kernel, int fd, ImageCodec codec) throws IOException {
        HostFile file = new HostFile(fd, "the parent's state file");
        if (!ImageMeta.identity(file).equals(kernel.lastImage())) {
            throw new ImageException(
                    "the parent is neither the last image that was made of this sandbox, nor the one that it came from");
        }
        return ImageMeta.read(file, codec).pageMap();
    }

    private static BitSet manyChunks(PageMap map) {
        BitSet many = new BitSet();
        List<PageMap.Entry> entries = map.entries();
        for (int i = MAX_CHUNKS - 1; i < entries.size(); i++) {
            long stretch = entries.get(i).stretch();
            if (entries.get(i - (MAX_CHUNKS - 1)).stretch() == stretch) {
                many.set((int) stretch);
            }
        }
        return many;
    }

    private static Frozen freeze(Kernel kernel, boolean live, @Nullable PageMap parent)
            throws IOException {
        BitSet whole = parent == null ? null : manyChunks(parent);
        StateWriter writer = new StateWriter(SentryStates.catalog());
        PageSnapshot pages;
        if (live && kernel.memory().residentBytes() >= MUCH_MEMORY) {
            withdrawAhead(kernel);
        }
        long start = System.nanoTime();
        kernel.pause();
        kernel.clock().freeze();
        try {
            writer.collect(List.of(kernel));
            for (MemoryManager mm : kernel.addressSpaces()) {
                mm.withdrawWrites();
            }
            pages = kernel.memory().snapshot(whole);
        } catch (RuntimeException e) {
            throw new IOException("state can not be saved: " + e.getMessage(), e);
        } finally {
            kernel.clock().unfreeze();
            if (live) {
                kernel.resume();
            }
        }
        return new Frozen(writer, pages, start, System.nanoTime() - start);
    }

    /** The host walks all page table entries of what is withdrawn: most of it is done before the pause, which then is left what was written meanwhile. */
    private static void withdrawAhead(Kernel kernel) {
        for (int round = 0; round < 2; round++) {
            kernel.memory().guardAll();
            for (MemoryManager mm : kernel.addressSpaces()) {
                mm.prepareWithdrawal();
            }
        }
    }

    private static Saved write(
            Kernel kernel,
            Frozen frozen,
            @Nullable PageMap parent,
            Set<ContentHash> known,
            int packFd,
            int metaFd,
            ImageCodec codec)
            throws IOException {
        PageSnapshot snapshot = frozen.pages;
        byte[] state;
        try {
            state = frozen.state.encode();
        } catch (RuntimeException e) {
            throw new IOException("state can not be saved: " + e.getMessage(), e);
        }
        PagesWriter.Runs runs = new PagesWriter.Runs();
        for (int i = 0; i < snapshot.stretches(); i++) {
            runs.addStretch(i, parent == null ? snapshot.wanted(i) : snapshot.changed(i));
        }
        PagesWriter.Result pages =
                PagesWriter.write(
                        (stretch, mask, raw) -> snapshot.read((int) stretch, mask, raw),
                        runs,
                        known,
                        new HostFile(packFd, "page pack"),
                        codec,
                        THREADS);
        PageMap map =
                parent == null
                        ? pages.pageMap()
                        : parent.continued(
                                stretch -> unchanged(snapshot, stretch), pages.pageMap());
        byte[] meta = ImageMeta.encode(state, map, pages.index(), codec);
        writeAll(new HostFile(metaFd, "state file"), meta);
        kernel.setLastImage(ImageMeta.identity(meta));
        return new Saved(
                pages.packBytes() + meta.length,
                frozen.pausedNanos,
                state.length,
                map.pages(),
                snapshot.copied());
    }

    private static long unchanged(PageSnapshot snapshot, long stretch) {
        return stretch < snapshot.stretches()
                ? snapshot.wanted((int) stretch) & ~snapshot.changed((int) stretch)
                : 0;
    }

    /**
     * Fills {@code kernel}, which is fresh, from an image. It is paused then; {@link Kernel#resume} lets it go on. The descriptors are taken over: packs stay open, since pages are read as they are touched.
     *
     * @param chunksFd says where in the packs each chunk is
     * @param services offers what the restorers ask for beside kernel, platform and memory file
     */
    public static void restore(
            Kernel kernel,
            int metaFd,
            int chunksFd,
            int[] packFds,
            ImageCodec codec,
            UnaryOperator<StateReader> services)
            throws IOException {
        HostFile metaFile = new HostFile(metaFd, "state file");
        HostFile chunksFile = new HostFile(chunksFd, "chunk index");
        List<dev.thaw.state.image.ByteSource> packs = new ArrayList<>();
        for (int fd : packFds) {
            packs.add(new HostFile(fd, "page pack"));
        }
        ImageMeta meta;
        ChunkReader chunks;
        try {
            meta = ImageMeta.read(metaFile, codec);
            kernel.setLastImage(ImageMeta.identity(metaFile));
            chunks =
                    new ChunkReader(
                            ChunkIndex.decode(readAll(chunksFile, MAX_INDEX)),
                            packs,
                            codec.chunks());
        } finally {
            metaFile.close();
            chunksFile.close();
        }
        chunks.checkComplete(meta.pageMap());
        MemoryFile memory = kernel.memory();
        ImagePages.attach(memory, chunks, meta.pageMap());
        StateReader reader =
                new StateReader(SentryStates.catalog())
                        .with(Kernel.class, kernel)
                        .with(Platform.class, kernel.platform())
                        .with(MemoryFile.class, memory);
        List<Saveable> roots;
        kernel.clock().freeze();
        try {
            roots = services.apply(reader).read(meta.state());
        } finally {
            kernel.clock().unfreeze();
        }
        long unclaimed = memory.forgetUnclaimed();
        if (unclaimed > 0) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "{0} pages of the image belong to nobody",
                    unclaimed);
        }
        if (roots.size() != 1 || roots.getFirst() != kernel) {
            throw new ImageException("state file holds no kernel");
        }
    }

    /** Loads the classes and libraries that a checkpoint needs: to be called before the process loses its file system. */
    public static void prepare() {
        try {
            PageSnapshot.prepare();
            ImageCodec codec = HostPrimitives.get().plain();
            StateCatalog catalog = SentryStates.catalog();
            byte[] state = StateWriter.write(catalog, List.of());
            new StateReader(catalog).read(state);
            MemorySegment page =
                    MemorySegment.ofBuffer(ByteBuffer.allocateDirect(ImageFormat.PAGE));
            page.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            PagesWriter.Runs runs = new PagesWriter.Runs();
            runs.add(0, ImageFormat.PAGE);
            ByteBuffer pack = ByteBuffer.allocateDirect(1 << 16);
            PagesWriter.Result result =
                    PagesWriter.write(
                            PagesWriter.Source.of(page),
                            runs,
                            Set.of(),
                            (data, position) ->
                                    pack.put(
                                            (int) position,
                                            data.asByteBuffer(),
                                            0,
                                            (int) data.byteSize()),
                            codec,
                            1);
            byte[] meta = ImageMeta.encode(state, result.pageMap(), result.index(), codec);
            ImageMeta.read(new Bytes(MemorySegment.ofArray(meta)), codec);
            try (ChunkReader reader =
                    new ChunkReader(
                            result.index(),
                            List.of(new Bytes(MemorySegment.ofBuffer(pack))),
                            codec.chunks())) {
                reader.checkComplete(result.pageMap());
                reader.read(result.pageMap().entries().getFirst().hash());
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private record Bytes(MemorySegment bytes) implements dev.thaw.state.image.ByteSource {
        @Override
        public long size() {
            return bytes.byteSize();
        }

        @Override
        public void read(MemorySegment target, long position) {
            MemorySegment.copy(bytes, position, target, 0, target.byteSize());
        }
    }

    private static Set<ContentHash> readKnown(int fd) throws IOException {
        if (fd < 0) {
            return Set.of();
        }
        ByteBuffer in =
                ByteBuffer.wrap(readAll(new HostFile(fd, "list of known chunks"), MAX_INDEX));
        Set<ContentHash> known = new HashSet<>(in.remaining() / 16);
        while (in.remaining() >= ContentHash.BYTES) {
            known.add(ContentHash.read(in));
        }
        return known;
    }

    private static byte[] readAll(HostFile file, int max) throws IOException {
        long size = file.size();
        if (size > max) {
            throw new ImageException(file.name() + " is too long: " + size + " bytes");
        }
        MemoryBound.check(size, file.name());
        byte[] bytes = new byte[(int) size];
        MemorySegment buffer = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(1 << 16));
        for (int done = 0; done < bytes.length; ) {
            int count = (int) Math.min(buffer.byteSize(), bytes.length - done);
            file.read(buffer.asSlice(0, count), done);
            MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, done, count);
            done += count;
        }
        return bytes;
    }

    private static void writeAll(HostFile file, byte[] bytes) throws IOException {
        MemorySegment buffer = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(1 << 18));
        for (int done = 0; done < bytes.length; ) {
            int count = (int) Math.min(buffer.byteSize(), bytes.length - done);
            MemorySegment.copy(bytes, done, buffer, ValueLayout.JAVA_BYTE, 0, count);
            file.write(buffer.asSlice(0, count), done);
            done += count;
        }
    }

    private Checkpointer() {}
}
