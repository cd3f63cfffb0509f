package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.ELOOP;
import static dev.thaw.abi.Errno.ENAMETOOLONG;
import static dev.thaw.abi.Errno.ENOENT;
import static dev.thaw.abi.Errno.ENOTDIR;
import static dev.thaw.abi.Errno.EROFS;
import static dev.thaw.abi.Errno.EXDEV;
import static dev.thaw.abi.Fcntl.O_CREAT;
import static dev.thaw.abi.Fcntl.O_NOFOLLOW;
import static dev.thaw.abi.Fcntl.O_RDWR;
import static dev.thaw.abi.Fcntl.RESOLVE_BENEATH;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Mount.MS_RDONLY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.platform.memory.MemFdMemoryFile;
import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.fs.tmpfs.TmpfsFilesystem;
import dev.thaw.sentry.kernel.Credentials;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** path_resolution(7), case by case. */
final class PathWalkTest {
    private static final Credentials ROOT = Credentials.root();
    private static final Credentials NOBODY =
            new Credentials(9, 9, 9, 9, 9, 9, 9, 9, new int[0], 0, 0, 0, 0, 0);

    private final MemFdMemoryFile memory;
    private final MountNamespace namespace;
    private final FsContext context;

    PathWalkTest() throws Exception {
        memory = MemFdMemoryFile.create();
        namespace = new MountNamespace(new TmpfsFilesystem(memory, 0, 0x1ed), 0);
        context = FsContext.atRoot(namespace);
        mkdir("/a", 0x1ed);
        mkdir("/a/b", 0x1ed);
        new FileOpener(null, ROOT, context)
                .open(context.cwd(), "/a/f", O_CREAT | O_RDWR, 0x1a4)
                .close();
    }

    @AfterEach
    void close() {
        memory.close();
    }

    private void mkdir(String path, int mode) throws ErrnoException {
        new NameOperations(null, ROOT, context).makeNode(context.cwd(), path, S_IFDIR | mode, 0);
    }

    private void symlink(String target, String path) throws ErrnoException {
        new NameOperations(null, ROOT, context).makeSymlink(target, context.cwd(), path);
    }

    /** The canonical path, or "error N". */
    private String walk(Credentials who, String path, boolean follow) {
        try {
            Location at = new PathWalk(null, who, context).resolve(context.cwd(), path, follow);
            return MountNamespace.pathOf(at, context.root());
        } catch (ErrnoException e) {
            return "error " + e.errno();
        }
    }

    private String walk(String path) {
        return walk(ROOT, path, true);
    }

    @Test
    void dotsAndSlashes() {
        assertThat(walk("/a//./b/../b///")).isEqualTo("/a/b");
        assertThat(walk("/../../a")).isEqualTo("/a");
        assertThat(walk("/a/f/")).isEqualTo("error " + ENOTDIR);
        assertThat(walk("/a/f/..")).isEqualTo("error " + ENOTDIR);
        assertThat(walk("")).isEqualTo("error " + ENOENT);
        assertThat(walk("/a/nope/..")).isEqualTo("error " + ENOENT);
        assertThat(walk("/" + "n".repeat(256))).isEqualTo("error " + ENAMETOOLONG);
    }

    @Test
    void symlinksAreFollowedFortyTimes() throws Exception {
        symlink("/a/f", "/l0");
        for (int i = 1; i <= 40; i++) {
            symlink("l" + (i - 1), "/l" + i);
        }
        assertThat(walk("/l39")).isEqualTo("/a/f");
        assertThat(walk("/l40")).isEqualTo("error " + ELOOP);
        assertThat(walk(ROOT, "/l40", false)).isEqualTo("/l40");
        symlink("b", "/a/dir");
        assertThat(walk(ROOT, "/a/dir", false)).isEqualTo("/a/dir");
        assertThat(walk(ROOT, "/a/dir/", false)).isEqualTo("/a/b");
        assertThat(walk("/a/dir/../f")).isEqualTo("/a/f");
        symlink("self", "/self");
        assertThat(walk("/self")).isEqualTo("error " + ELOOP);
    }

    @Test
    void createFollowsADanglingLinkUnlessToldNotTo() throws Exception {
        symlink("a/made", "/dangling");
        assertThat(open("/dangling", O_CREAT | O_RDWR | O_NOFOLLOW)).isEqualTo(ELOOP);
        assertThat(open("/dangling", O_CREAT | O_RDWR)).isZero();
        assertThat(walk("/a/made")).isEqualTo("/a/made");
    }

    private int open(String path, int flags) {
        try {
            new FileOpener(null, ROOT, context).open(context.cwd(), path, flags, 0x1a4).close();
            return 0;
        } catch (ErrnoException e) {
            return e.errno();
        }
    }

    @Test
    void searchNeedsPermission() throws Exception {
        mkdir("/a/secret", 0x1c0);
        mkdir("/a/secret/x", 0x1ff);
        assertThat(walk(NOBODY, "/a/b", true)).isEqualTo("/a/b");
        assertThat(walk(NOBODY, "/a/secret/x", true)).isEqualTo("error " + EACCES);
        assertThat(walk("/a/secret/x")).isEqualTo("/a/secret/x");
    }

    @Test
    void mountsAndRootsAreCrossed() throws Exception {
        namespace.mount("/a/b", new TmpfsFilesystem(memory, 0, 0x1ed), 0, "tmpfs");
        mkdir("/a/b/inner", 0x1ed);
        assertThat(walk("/a/b/inner/../..")).isEqualTo("/a");
        assertThat(walk("/a/b/inner")).isEqualTo("/a/b/inner");
        Location inner =
                new PathWalk(null, ROOT, context).resolve(context.cwd(), "/a/b/inner", true);
        context.setRoot(inner);
        assertThat(walk("/../..")).isEqualTo("/");
        context.setRoot(namespace.rootLocation());
        namespace.mount("/a/b", new TmpfsFilesystem(memory, 0, 0x1ed), MS_RDONLY, "tmpfs");
        assertThat(walk("/a/b/inner")).isEqualTo("error " + ENOENT);
        assertThat(open("/a/b/new", O_CREAT | O_RDWR)).isEqualTo(EROFS);
    }

    @Test
    void beneathStaysBeneath() throws Exception {
        symlink("../f", "/a/b/up");
        Location start = new PathWalk(null, ROOT, context).resolve(context.cwd(), "/a/b", true);
        for (String path : new String[] {"..", "up", "/a/f", "x/../../f"}) {
            int errno = 0;
            try {
                new FileOpener(null, ROOT, context)
                        .restrict(RESOLVE_BENEATH, start)
                        .open(start, path, 0, 0)
                        .close();
            } catch (ErrnoException e) {
                errno = e.errno();
            }
            assertThat(errno).as(path).isIn(EXDEV, ENOENT);
            if (!path.startsWith("x")) {
                assertThat(errno).as(path).isEqualTo(EXDEV);
            }
        }
    }
}
