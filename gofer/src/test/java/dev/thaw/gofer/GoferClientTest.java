package dev.thaw.gofer;

import static dev.thaw.abi.Errno.*;
import static dev.thaw.abi.Fcntl.*;
import static dev.thaw.gofer.GoferProtocol.*;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every operation against what the host's own files then say. */
class GoferClientTest {
    private static final int RW = 0;
    private static final int RO = 1;

    @TempDir Path directory;
    private GoferFixture fixture;
    private GoferClient client;
    private final HostStat stat = new HostStat();

    @BeforeEach
    void connect() throws Exception {
        fixture = new GoferFixture(directory);
        client = new GoferClient(fixture.clientFd);
    }

    @AfterEach
    void disconnect() throws Exception {
        client.close();
        fixture.close();
    }

    @Test
    void roots_areNamedWithTheirMode() {
        assertThat(client.roots())
                .containsExactly(new GoferRoot(0, false, "rw"), new GoferRoot(1, true, "ro"));
    }

    @Test
    void walk_givesEachComponent_andStopsAtTheFirstThatIsNoDirectory() throws Exception {
        Files.createDirectories(directory.resolve("a/b"));
        Files.writeString(directory.resolve("a/b/file"), "hello");
        HostStat[] out = new HostStat[4];
        assertThat(client.walk(RO, "", new String[] {"a", "b", "file", "x"}, out)).isEqualTo(3);
        assertThat(out[0].type()).isEqualTo(S_IFDIR);
        assertThat(out[2].size).isEqualTo(5);
        assertThat(out[2].ino)
                .isEqualTo((Long) Files.getAttribute(directory.resolve("a/b/file"), "unix:ino"));
        assertThat(client.walk(RO, "a", new String[] {"b", "none"}, out)).isEqualTo(1);
        assertThat(client.walk(RO, "a/b", new String[] {"none"}, out)).isEqualTo(-ENOENT);
    }

    @Test
    void stat_equalsTheHosts() throws Exception {
        Path file = Files.writeString(directory.resolve("f"), "12345");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-x--x"));
        assertThat(client.stat(RO, "f", stat)).isZero();
        assertThat(stat.mode).isEqualTo(S_IFREG | 0x1e9);
        assertThat(stat.dev).isEqualTo((Long) Files.getAttribute(file, "unix:dev"));
        assertThat(stat.nlink).isEqualTo(1);
        assertThat(stat.mtime)
                .isEqualTo(
                        Files.getLastModifiedTime(file)
                                .to(java.util.concurrent.TimeUnit.NANOSECONDS));
        assertThat(client.stat(7, "", stat)).isEqualTo(-EBADF);
    }

    @Test
    void readdir_givesLargeDirectoriesWhole() throws Exception {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            String name = "a-rather-long-name-of-a-file-" + i;
            names.add(name);
            Files.createFile(directory.resolve(name));
        }
        List<DirectoryEntry> entries = new ArrayList<>();
        assertThat(client.readdir(RO, "", entries)).isZero();
        assertThat(entries)
                .extracting(DirectoryEntry::name)
                .containsExactlyInAnyOrderElementsOf(names);
        assertThat(entries.get(77).attributes().type()).isEqualTo(S_IFREG);
        assertThat(client.readdir(RO, names.get(0), entries)).isEqualTo(-ENOTDIR);
    }

    @Test
    void open_donatesADescriptorThatReads() throws Exception {
        Files.writeString(directory.resolve("f"), "content");
        int fd = client.open(RO, "f", O_RDONLY);
        assertThat(fd).isPositive();
        assertThat(HostFiles.fcntl(fd, F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(64);
            assertThat(HostFiles.pread(fd, buffer, 0, 64, 3)).isEqualTo(4);
            assertThat(buffer.getString(0)).isEqualTo("tent");
            assertThat(HostFiles.pwrite(fd, buffer, 0, 1, 0)).isEqualTo(-EBADF);
        }
        HostFiles.close(fd);
    }

    @Test
    void open_refusesEverythingButRegularFiles() throws Exception {
        Files.createSymbolicLink(directory.resolve("link"), Path.of("f"));
        assertThat(client.mknod(RW, "fifo", S_IFIFO | 0x1ff, 0, 0, stat)).isZero();
        assertThat(client.open(RO, "fifo", O_RDONLY)).isEqualTo(-EINVAL);
        assertThat(client.open(RO, "link", O_RDONLY)).isEqualTo(-EINVAL);
        assertThat(client.open(RO, "", O_RDONLY)).isEqualTo(-EINVAL);
        assertThat(client.mknod(RW, "null", S_IFCHR | 0x1ff, 0, 0, stat)).isEqualTo(-EPERM);
    }

    @Test
    void mutations_changeTheHost() throws Exception {
        int fd = client.create(RW, "new", O_RDWR, 0x1a0, 12, 34, stat);
        assertThat(fd).isPositive();
        HostFiles.close(fd);
        assertThat(Files.getAttribute(directory.resolve("new"), "unix:uid")).isEqualTo(12);
        assertThat((Integer) Files.getAttribute(directory.resolve("new"), "unix:mode"))
                .isEqualTo(S_IFREG | 0x1a0);
        assertThat(client.create(RW, "new", O_RDWR, 0x1a0, 0, 0, stat)).isEqualTo(-EEXIST);

        assertThat(client.mkdir(RW, "dir", 0x1c0, 0, 0, stat)).isZero();
        assertThat(client.rename(RW, "new", RW, "dir/moved", 0)).isZero();
        assertThat(client.link(RW, "dir/moved", RW, "second")).isZero();
        assertThat(client.stat(RW, "second", stat)).isZero();
        assertThat(stat.nlink).isEqualTo(2);
        assertThat(client.rename(RW, "second", RW, "dir", RENAME_NOREPLACE)).isEqualTo(-EEXIST);
        assertThat(client.symlink(RW, "link", "anywhere/../x", 5, 6, stat)).isZero();
        assertThat(Files.readSymbolicLink(directory.resolve("link"))).hasToString("anywhere/../x");
        assertThat(client.unlink(RW, "dir", AT_REMOVEDIR)).isEqualTo(-ENOTEMPTY);
        assertThat(client.unlink(RW, "dir/moved", 0)).isZero();
        assertThat(client.unlink(RW, "dir", AT_REMOVEDIR)).isZero();
        assertThat(client.fsync(RW, "")).isZero();
        assertThat(directory.toFile().list()).containsExactlyInAnyOrder("second", "link");
    }

    @Test
    void readlink_givesRawBytes() throws Exception {
        assertThat(client.symlink(RW, "l", "a\u00ff\u0080b", 0, 0, stat)).isZero();
        byte[] target = new byte[4096];
        assertThat(client.readlink(RO, "l", target)).isEqualTo(4);
        assertThat(target).startsWith('a', 0xff, 0x80, 'b');
        assertThat(client.readlink(RO, "", target)).isEqualTo(-EINVAL);
    }

    @Test
    void setattr_changesEachPart() throws Exception {
        Path file = Files.writeString(directory.resolve("f"), "0123456789");
        int mask = SET_MODE | SET_UID | SET_GID | SET_SIZE | SET_ATIME | SET_MTIME;
        assertThat(client.setattr(RW, "f", mask, 0x124, 7, 8, 4, 1_500_000_001L, -1L, stat))
                .isZero();
        assertThat(stat.size).isEqualTo(4);
        assertThat(stat.atime).isEqualTo(1_500_000_001L);
        assertThat(stat.mtime).isEqualTo(-1L);
        assertThat(Files.readString(file, UTF_8)).isEqualTo("0123");
        assertThat(Files.getAttribute(file, "unix:gid")).isEqualTo(8);
        assertThat(client.setattr(RW, "", SET_SIZE, 0, 0, 0, 4, 0, 0, stat)).isEqualTo(-EISDIR);
    }

    @Test
    void readOnlyRoot_refusesEveryChange() throws Exception {
        Files.writeString(directory.resolve("f"), "x");
        assertThat(client.create(RO, "n", O_RDWR, 0, 0, 0, stat)).isEqualTo(-EROFS);
        assertThat(client.open(RO, "f", O_RDWR)).isEqualTo(-EROFS);
        assertThat(client.open(RO, "f", O_RDONLY | O_TRUNC)).isEqualTo(-EROFS);
        assertThat(client.mkdir(RO, "n", 0, 0, 0, stat)).isEqualTo(-EROFS);
        assertThat(client.mknod(RO, "n", S_IFREG, 0, 0, stat)).isEqualTo(-EROFS);
        assertThat(client.symlink(RO, "n", "t", 0, 0, stat)).isEqualTo(-EROFS);
        assertThat(client.link(RO, "f", RO, "n")).isEqualTo(-EROFS);
        assertThat(client.link(RO, "f", RW, "n")).isEqualTo(-EXDEV);
        assertThat(client.rename(RO, "f", RO, "n", 0)).isEqualTo(-EROFS);
        assertThat(client.unlink(RO, "f", 0)).isEqualTo(-EROFS);
        assertThat(client.setattr(RO, "f", SET_MODE, 0, 0, 0, 0, 0, 0, stat)).isEqualTo(-EROFS);
        assertThat(Files.readString(directory.resolve("f"))).isEqualTo("x");
    }

    @Test
    void handle_staysWithTheFileWhenItsNameChanges() throws Exception {
        Files.createDirectory(directory.resolve("d"));
        Files.writeString(directory.resolve("d/f"), "x");
        int handle = client.handle(RW, "d", stat);
        assertThat(handle).isGreaterThan(1);
        Files.move(directory.resolve("d"), directory.resolve("e"));
        assertThat(client.stat(handle, "f", stat)).isZero();
        assertThat(client.close(handle)).isZero();
        assertThat(client.stat(handle, "f", stat)).isEqualTo(-EBADF);
        assertThat(client.close(handle)).isEqualTo(-EBADF);
        assertThat(client.close(RW)).isEqualTo(-EBADF);
    }

    @Test
    void manyThreads_getTheirOwnAnswers() throws Exception {
        for (int i = 0; i < 8; i++) {
            Files.writeString(directory.resolve("f" + i), "x".repeat(i));
        }
        try (ExecutorService pool = Executors.newFixedThreadPool(8)) {
            List<Callable<Integer>> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int size = i;
                calls.add(
                        () -> {
                            HostStat mine = new HostStat();
                            int right = 0;
                            for (int n = 0; n < 200; n++) {
                                right +=
                                        client.stat(RO, "f" + size, mine) == 0 && mine.size == size
                                                ? 1
                                                : 0;
                            }
                            return right;
                        });
            }
            for (Future<Integer> result : pool.invokeAll(calls)) {
                assertThat(result.get()).isEqualTo(200);
            }
        }
    }

    @Test
    void statfs_tellsTheFileSystem() {
        long[] words = new long[10];
        assertThat(client.statfs(RO, "", words)).isZero();
        assertThat(words[1]).isEqualTo(4096);
        assertThat(words[7]).isEqualTo(255);
    }
}
