package dev.thaw.sentry.vfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.abi.Fcntl;
import dev.thaw.host.HostConfinement;
import dev.thaw.host.HostFiles;
import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.sentry.fs.overlay.OverlayFilesystem;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;
import dev.thaw.sentry.kernel.Credentials;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random operations give the same results and the same tree on Linux as on tmpfs and on an overlay whose lower layer was made by the first half of them. */
final class FileTreeModelTest {
    private static final String[] NAMES = {"a", "b", "c", "d"};
    private static final int STEPS = 4000;

    private final Random random = new Random(7);

    @TempDir Path directory;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sameAsLinux(boolean overlay) throws Exception {
        try (MemFdMemoryFile memory = MemFdMemoryFile.create()) {
            HostConfinement.clearUmask();
            HostFiles.mkdirat(Fcntl.AT_FDCWD, directory + "/root", 0x1ff);
            FileTree linux = new FileTree.Host(directory + "/root");
            TmpfsFilesystem lower = new TmpfsFilesystem(memory, 0, 0x1ff);
            FileTree ours = new FileTree.Ours(lower, Credentials.root());
            for (int step = 0; step < STEPS; step++) {
                if (overlay && step == STEPS / 2) {
                    TmpfsFilesystem upper = new TmpfsFilesystem(memory, 0, 0x1ff);
                    ours =
                            new FileTree.Ours(
                                    new OverlayFilesystem(List.of(lower), upper),
                                    Credentials.root());
                }
                step(linux, ours, step, overlay);
                if (step % 100 == 99) {
                    compare(linux, ours, ".", "after step " + step);
                }
            }
        }
    }

    private void step(FileTree linux, FileTree ours, int step, boolean overlay) {
        String p = path();
        String q = path();
        int mode = new int[] {0x1ff, 0x1ed, 0x1a4, 0x180}[random.nextInt(4)];
        int kind = random.nextInt(14);
        String what = "step " + step + " kind " + kind + " " + p + " " + q;
        switch (kind) {
            case 0, 1 -> assertThat(ours.mkdir(p, mode)).as(what).isEqualTo(linux.mkdir(p, mode));
            case 2 -> assertThat(ours.rmdir(p)).as(what).isEqualTo(linux.rmdir(p));
            case 3 -> assertThat(ours.unlink(p)).as(what).isEqualTo(linux.unlink(p));
            case 4, 5 -> assertThat(ours.rename(p, q, 0)).as(what).isEqualTo(linux.rename(p, q, 0));
            case 6 -> {
                int flags = 1 + random.nextInt(2);
                assertThat(ours.rename(p, q, flags)).as(what).isEqualTo(linux.rename(p, q, flags));
            }
            case 7 -> {
                // An overlay forgets which lower names are one file, as Linux's does without an
                // index.
                if (!overlay) {
                    assertThat(ours.link(p, q)).as(what).isEqualTo(linux.link(p, q));
                }
            }
            case 8 -> assertThat(ours.symlink(q, p)).as(what).isEqualTo(linux.symlink(q, p));
            case 9 -> assertThat(ours.stat(p, true)).as(what).isEqualTo(linux.stat(p, true));
            case 10 -> {
                if (!linux.stat(p, true).startsWith("error")) {
                    assertThat(ours.chmod(p, mode)).as(what).isEqualTo(linux.chmod(p, mode));
                }
            }
            default -> file(linux, ours, p, mode, what);
        }
    }

    private void file(FileTree linux, FileTree ours, String path, int mode, String what) {
        int[] extra = {0, Fcntl.O_EXCL, Fcntl.O_TRUNC, Fcntl.O_APPEND, Fcntl.O_NOFOLLOW};
        int flags =
                Fcntl.O_RDWR
                        | (random.nextInt(4) > 0 ? Fcntl.O_CREAT : 0)
                        | extra[random.nextInt(extra.length)];
        int a = linux.open(path, flags, mode);
        int b = ours.open(path, flags, mode);
        assertThat(Math.min(b, 0)).as(what).isEqualTo(Math.min(a, 0));
        if (a < 0) {
            return;
        }
        for (int i = 0; i < 4; i++) {
            long offset = random.nextInt(20_000);
            String text = ("<" + random.nextInt() + ">").repeat(1 + random.nextInt(900));
            switch (random.nextInt(3)) {
                case 0 ->
                        assertThat(ours.pwrite(b, text, offset))
                                .as(what)
                                .isEqualTo(linux.pwrite(a, text, offset));
                case 1 ->
                        assertThat(ours.truncate(b, offset))
                                .as(what)
                                .isEqualTo(linux.truncate(a, offset));
                default ->
                        assertThat(ours.pread(b, 9000, offset))
                                .as(what)
                                .isEqualTo(linux.pread(a, 9000, offset));
            }
        }
        assertThat(ours.pread(b, 40_000, 0)).as(what).isEqualTo(linux.pread(a, 40_000, 0));
        linux.close(a);
        ours.close(b);
    }

    private String path() {
        StringBuilder path = new StringBuilder(NAMES[random.nextInt(NAMES.length)]);
        for (int depth = random.nextInt(3); depth > 0; depth--) {
            path.append('/')
                    .append(
                            path.length() == 1 && random.nextInt(9) == 0
                                    ? ".."
                                    : NAMES[random.nextInt(NAMES.length)]);
        }
        if (random.nextInt(15) == 0) {
            path.append('/');
        }
        return path.toString();
    }

    private static void compare(FileTree linux, FileTree ours, String path, String when) {
        Map<String, Integer> expected = linux.list(path);
        assertThat(ours.list(path)).as(when + " in " + path).isEqualTo(expected);
        for (Map.Entry<String, Integer> entry : expected.entrySet()) {
            String name = path + "/" + entry.getKey();
            if (entry.getKey().equals(".") || entry.getKey().equals("..")) {
                continue;
            }
            assertThat(ours.stat(name, false))
                    .as(when + " " + name)
                    .isEqualTo(linux.stat(name, false));
            if (entry.getValue() == Fcntl.S_IFDIR) {
                compare(linux, ours, name, when);
            } else if (entry.getValue() == Fcntl.S_IFREG) {
                int a = linux.open(name, Fcntl.O_RDONLY, 0);
                int b = ours.open(name, Fcntl.O_RDONLY, 0);
                assertThat(ours.pread(b, 40_000, 0))
                        .as(when + " " + name)
                        .isEqualTo(linux.pread(a, 40_000, 0));
                linux.close(a);
                ours.close(b);
            }
        }
    }
}
