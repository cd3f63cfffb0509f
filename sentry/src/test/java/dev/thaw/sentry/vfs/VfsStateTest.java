package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Fcntl.F_WRLCK;
import static dev.thaw.abi.Fcntl.O_CREAT;
import static dev.thaw.abi.Fcntl.O_RDONLY;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Fcntl.SEEK_CUR;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.platform.memory.MemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.checkpoint.SentryStates;
import dev.thaw.sentry.fs.overlay.OverlayFilesystem;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;
import dev.thaw.sentry.kernel.Credentials;
import dev.thaw.sentry.mm.IoBuffer;
import dev.thaw.state.Saveable;
import dev.thaw.state.image.StateReader;
import dev.thaw.state.image.StateWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A tree with open files comes back from an image as it was, twice in a row. */
@SuppressWarnings("NullAway")
final class VfsStateTest {
    private static final Credentials ROOT = Credentials.root();

    private final MemFdMemoryFile memory;
    private MountNamespace namespace;
    private FsContext context;
    private FdTable fds = new FdTable();

    VfsStateTest() throws Exception {
        memory = MemFdMemoryFile.create();
        TmpfsFilesystem lower = new TmpfsFilesystem(memory, 0, 0x1ed);
        namespace = new MountNamespace(lower, 0);
        context = FsContext.atRoot(namespace);
        mkdir("/usr");
        mkdir("/usr/lib");
        write("/usr/lib/big", "x".repeat(10_000));
        write("/usr/lib/small", "small");
        write("/gone", "gone");
        namespace =
                new MountNamespace(
                        new OverlayFilesystem(
                                List.of(lower), new TmpfsFilesystem(memory, 0, 0x1ff)),
                        0);
        context = FsContext.atRoot(namespace);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    private void mkdir(String path) throws ErrnoException {
        new NameOperations(null, ROOT, context).makeNode(context.cwd(), path, S_IFDIR | 0x1ed, 0);
    }

    private FileDescription open(String path, int flags) throws ErrnoException {
        return new FileOpener(null, ROOT, context).open(context.cwd(), path, flags, 0x1a4);
    }

    private void write(String path, String text) throws ErrnoException {
        try (FileDescription file = open(path, O_RDWR | O_CREAT)) {
            file.write(null, IoBuffer.of(text.getBytes(StandardCharsets.ISO_8859_1)));
        }
    }

    private String read(String path) throws ErrnoException {
        try (FileDescription file = open(path, O_RDONLY)) {
            return text(file, 20_000);
        }
    }

    private static String text(FileDescription file, int most) throws ErrnoException {
        byte[] bytes = new byte[most];
        long count = file.read(null, IoBuffer.of(bytes));
        return new String(bytes, 0, (int) count, StandardCharsets.ISO_8859_1);
    }

    private Location at(String path) throws ErrnoException {
        return new PathWalk(null, ROOT, context).resolve(context.cwd(), path, true);
    }

    private void cycle() {
        byte[] blob = StateWriter.write(SentryStates.catalog(), List.of(namespace, context, fds));
        List<Saveable> roots =
                new StateReader(SentryStates.catalog()).with(MemoryFile.class, memory).read(blob);
        namespace = (MountNamespace) roots.get(0);
        context = (FsContext) roots.get(1);
        fds = (FdTable) roots.get(2);
    }

    @Test
    void treeAndOpenFilesComeBack() throws Exception {
        namespace.mount("/mnt", new TmpfsFilesystem(memory, 1 << 20, 0x1ed), 0, "tmpfs");
        write("/mnt/m", "mounted");
        new RenameOperation(null, ROOT, context, 0)
                .rename(context.cwd(), "/usr", context.cwd(), "/moved");
        new NameOperations(null, ROOT, context).unlink(context.cwd(), "/gone");
        try (FileDescription big = open("/moved/lib/big", O_RDWR)) {
            big.pwrite(null, IoBuffer.of("changed".getBytes(StandardCharsets.ISO_8859_1)), 5000);
        }
        context.setCwd(at("/moved/lib"));
        int position = fds.install(open("small", O_RDONLY), 3, true, 100);
        assertThat(text(fds.get(position), 2)).isEqualTo("sm");
        write("/doomed", "still here");
        int doomed = fds.install(open("/doomed", O_RDWR), 0, false, 100);
        new NameOperations(null, ROOT, context).unlink(context.cwd(), "/doomed");
        int listing = fds.install(open("/moved", O_RDONLY), 0, false, 100);
        long ino = at("big").inode().ino();
        at("big").inode().locks().set(new FileLocks.Lock(fds, false, 1, F_WRLCK, 0, 9));

        cycle();
        cycle();

        assertThat(MountNamespace.pathOf(context.cwd(), context.root())).isEqualTo("/moved/lib");
        assertThat(at("big").inode().ino()).isEqualTo(ino);
        assertThat(read("big")).isEqualTo("x".repeat(5000) + "changed" + "x".repeat(10_000 - 5007));
        assertThat(read("/mnt/m")).isEqualTo("mounted");
        assertThat(at("/").dentry().lookup("gone")).isNull();
        assertThat(at("/").dentry().lookup("usr")).isNull();
        assertThat(fds.closeOnExec(position)).isTrue();
        FileDescription small = fds.get(position);
        assertThat(small.seek(null, 0, SEEK_CUR)).isEqualTo(2);
        assertThat(text(small, 10)).isEqualTo("all");
        assertThat(small.inode()).isSameAs(at("small").inode());
        assertThat(text(fds.get(doomed), 100)).isEqualTo("still here");
        ((DirectoryDescription) fds.get(listing))
                .readEntries(
                        null,
                        (name, _, _, _) -> {
                            assertThat(name).isIn(".", "..", "lib");
                            return true;
                        });
        FileLocks.Lock other = new FileLocks.Lock(new FdTable(), false, 2, F_WRLCK, 9, 9);
        assertThat(at("big").inode().locks().conflict(other)).isNotNull();
    }

    @Test
    void whatNobodyChangedIsNotInTheImage() throws Exception {
        read("/usr/lib/small");
        int before = StateWriter.write(SentryStates.catalog(), List.of(namespace)).length;
        read("/usr/lib/big");
        at("/usr/lib");
        assertThat(StateWriter.write(SentryStates.catalog(), List.of(namespace)).length)
                .isEqualTo(before);
        write("/usr/lib/small", "other");
        assertThat(StateWriter.write(SentryStates.catalog(), List.of(namespace)).length)
                .isGreaterThan(before);
    }

    @Test
    void lastCloseOfARemovedFileGivesItsPagesBack() throws Exception {
        TmpfsFilesystem fs = new TmpfsFilesystem(memory, 1 << 20, 0x1ed);
        namespace.mount("/mnt", fs, 0, "tmpfs");
        write("/mnt/f", "y".repeat(50_000));
        FileDescription open = open("/mnt/f", O_RDONLY);
        assertThat(fs.quota().used()).isEqualTo(13);
        new NameOperations(null, ROOT, context).unlink(context.cwd(), "/mnt/f");
        assertThat(fs.quota().used()).isEqualTo(13);
        open.close();
        assertThat(fs.quota().used()).isZero();
    }
}
