package dev.thaw.gofer;

import static dev.thaw.abi.Errno.*;
import static dev.thaw.abi.Fcntl.*;
import static dev.thaw.gofer.GoferProtocol.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import dev.thaw.host.Wire;
import dev.thaw.host.WireWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A sandbox that was taken over talks to the gofer as it likes: it gets errors, never a file outside the roots, and never ends the server by them. */
class GoferHostilePeerTest {
    @TempDir Path directory;
    private Path root;
    private GoferFixture fixture;
    private Wire wire;

    @BeforeEach
    void connect() throws Exception {
        root = Files.createDirectory(directory.resolve("root"));
        Files.writeString(directory.resolve("secret"), "secret");
        fixture = new GoferFixture(root);
        wire = new Wire(fixture.clientFd);
    }

    @AfterEach
    void disconnect() throws Exception {
        wire.close();
        fixture.close();
    }

    private int call() throws Exception {
        assertThat(wire.send()).isZero();
        assertThat(wire.receive(0)).isGreaterThanOrEqualTo(8);
        wire.in().i32();
        return wire.in().i32();
    }

    private WireWriter request(int op) throws Exception {
        return wire.out().reset().i32(1).u8(op);
    }

    private int stat(String path) throws Exception {
        request(OP_STAT).i32(0).string(path);
        return call();
    }

    @Test
    void malformedRequests_answerEinval() throws Exception {
        request(OP_STAT);
        assertThat(call()).as("cut short").isEqualTo(-EINVAL);
        request(OP_STAT).i32(0).i32(Integer.MAX_VALUE);
        assertThat(call()).as("length beyond the message").isEqualTo(-EINVAL);
        request(OP_STAT).i32(0).i32(-1);
        assertThat(call()).as("negative length").isEqualTo(-EINVAL);
        request(OP_WALK).i32(0).string("").i32(Integer.MAX_VALUE);
        assertThat(call()).as("count beyond the message").isEqualTo(-EINVAL);
        request(OP_WALK).i32(0).string("").i32(5000);
        for (int i = 0; i < 5000; i++) {
            wire.out().string("x");
        }
        assertThat(call()).as("more names than a walk may have").isEqualTo(-EINVAL);
        request(OP_STAT).i32(0).string("").u8(1);
        assertThat(call()).as("bytes left over").isEqualTo(-EINVAL);
        request(200);
        assertThat(call()).isEqualTo(-ENOSYS);
        request(OP_HELLO).i32(999);
        assertThat(call()).isEqualTo(-EPROTONOSUPPORT);
        request(OP_READMORE);
        assertThat(call()).as("no directory is being read").isZero();
        assertThat(stat("")).as("the server goes on").isZero();
    }

    @Test
    void unknownHandles_answerEbadf() throws Exception {
        for (int handle : new int[] {-1, 2, 77, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            request(OP_STAT).i32(handle).string("");
            assertThat(call()).isEqualTo(-EBADF);
            request(OP_CLOSE).i32(handle);
            assertThat(call()).isEqualTo(-EBADF);
            request(OP_MKDIR).i32(handle).string("d").i32(0).i32(0).i32(0).string("");
            assertThat(call()).isEqualTo(-EBADF);
        }
    }

    @Test
    void noise_neverEndsTheServer() throws Exception {
        Random random = new Random(42);
        byte[] noise = new byte[64];
        for (int i = 0; i < 20_000; i++) {
            int op = random.nextInt(24);
            if (op == OP_LANE) {
                continue;
            }
            request(op).i32(random.nextInt(3)).i32(random.nextInt(8));
            random.nextBytes(noise);
            for (int n = random.nextInt(noise.length); n > 0; n--) {
                wire.out().u8(random.nextBoolean() ? 0 : noise[n]);
            }
            int result = call();
            assertThat(result).isGreaterThan(-4096);
            int fd = wire.takeFd(0);
            if (fd >= 0) {
                HostFiles.close(fd);
            }
        }
        assertThat(stat("")).isZero();
        assertThat(directory.toFile().list()).containsExactlyInAnyOrder("root", "secret");
    }

    @Test
    void handlesAndLanes_areBounded() throws Exception {
        int made = 0;
        int result;
        while (true) {
            request(OP_HANDLE).i32(0).string("");
            result = call();
            if (result < 0) {
                break;
            }
            made++;
        }
        assertThat(result).isEqualTo(-ENFILE);
        assertThat(made).isEqualTo(MAX_HANDLES);
        int[] lanes = new int[MAX_LANES];
        for (int i = 0; i < MAX_LANES - 1; i++) {
            request(OP_LANE);
            assertThat(call()).isZero();
            lanes[i] = wire.takeFd(0);
        }
        request(OP_LANE);
        assertThat(call()).isEqualTo(-EMFILE);
        for (int i = 0; i < MAX_LANES - 1; i++) {
            HostFiles.close(lanes[i]);
        }
    }

    @Test
    void emptyMessageOrForeignDescriptor_doesNoHarm() throws Exception {
        wire.out().reset().i32(5).u8(OP_STAT).i32(0).string("");
        int fd = HostFiles.open("/dev/null", O_RDONLY | O_CLOEXEC, 0);
        assertThat(wire.send(fd, fd, fd)).isZero();
        assertThat(wire.receive(0)).isPositive();
        assertThat(wire.in().i32()).isEqualTo(5);
        wire.out().reset().u8(1);
        assertThat(wire.send()).isZero();
        assertThat(wire.receive(0)).as("no id, no answer: the lane ends").isZero();
        HostFiles.close(fd);
    }

    @Test
    void pathsThatLeadOut_areRefused() throws Exception {
        Files.createSymbolicLink(root.resolve("up"), Path.of(".."));
        Files.createSymbolicLink(root.resolve("absolute"), Path.of("/etc"));
        Files.createSymbolicLink(root.resolve("passwd"), Path.of("/etc/passwd"));
        Files.createDirectory(root.resolve("d"));
        for (String path :
                new String[] {
                    "..",
                    "../secret",
                    "d/../../secret",
                    "/etc/passwd",
                    "d/..",
                    ".",
                    "d/.",
                    "d//x",
                    "/",
                    "d/",
                    "x\0y"
                }) {
            assertThat(stat(path)).as(path).isEqualTo(-EINVAL);
        }
        assertThat(stat("up/secret")).isEqualTo(-ELOOP);
        assertThat(stat("absolute/passwd")).isEqualTo(-ELOOP);
        assertThat(stat("passwd")).as("the symlink itself").isZero();
        request(OP_OPEN).i32(0).string("passwd").i32(O_RDONLY);
        assertThat(call()).isEqualTo(-EINVAL);
        request(OP_CREATE).i32(0).string("up/new").i32(O_RDWR).i32(0).i32(0).i32(0);
        assertThat(call()).as("a symlink is no directory").isEqualTo(-ENOTDIR);
        request(OP_RENAME).i32(0).string("passwd").i32(0).string("../out").i32(0);
        assertThat(call()).isEqualTo(-EINVAL);
        request(OP_UNLINK).i32(0).string("..").i32(AT_REMOVEDIR);
        assertThat(call()).isEqualTo(-EINVAL);
        request(OP_SETATTR)
                .i32(0)
                .string("passwd")
                .i32(SET_MODE)
                .i32(0)
                .i32(0)
                .i32(0)
                .i64(0)
                .i64(0)
                .i64(0);
        assertThat(call()).as("chmod through a symlink").isEqualTo(-EOPNOTSUPP);
        assertThat(Files.exists(directory.resolve("new"))).isFalse();
    }

    @Test
    void renameRace_neverLeadsOut() throws Exception {
        Path inside = Files.createDirectory(root.resolve("swap"));
        Files.writeString(inside.resolve("secret"), "decoy");
        Path link = Files.createSymbolicLink(directory.resolve("link"), directory);
        HostStat secret = new HostStat();
        assertThat(HostFiles.statx(AT_FDCWD, directory.resolve("secret").toString(), 0, secret))
                .isZero();
        AtomicBoolean stop = new AtomicBoolean();
        Thread attacker =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    while (!stop.get()) {
                                        HostFiles.renameat2(
                                                AT_FDCWD,
                                                inside.toString(),
                                                AT_FDCWD,
                                                link.toString(),
                                                RENAME_EXCHANGE);
                                    }
                                });
        int found = 0;
        int refused = 0;
        for (int i = 0; i < 20_000 || ((found == 0 || refused == 0) && i < 1_000_000); i++) {
            int result = stat("swap/secret");
            if (result >= 0) {
                wire.in().i64();
                assertThat(wire.in().i64()).isNotEqualTo(secret.ino);
                found++;
            } else {
                refused++;
            }
        }
        stop.set(true);
        attacker.join();
        assertThat(found).as("the race was real").isPositive();
        assertThat(refused).as("the race was real").isPositive();
    }
}
