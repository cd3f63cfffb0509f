package dev.thaw.sentry.loader;

import static dev.thaw.abi.Errno.EINVAL;
import static dev.thaw.abi.Errno.ENOEXEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.testing.FakeFile;
import dev.thaw.sentry.testing.FakePlatform;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ElfImageTest {
    private final FakePlatform platform = new FakePlatform();

    @AfterEach
    void close() {
        platform.close();
    }

    /** A static program of two segments with an interpreter, 12 KiB long. */
    static ByteBuffer program() {
        ByteBuffer elf = ByteBuffer.allocate(12288).order(ByteOrder.LITTLE_ENDIAN);
        elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
        elf.putShort(16, (short) 3)
                .putShort(18, (short) 62)
                .putInt(20, 1)
                .putLong(24, 0x1000)
                .putLong(32, 64);
        elf.putShort(52, (short) 64).putShort(54, (short) 56).putShort(56, (short) 4);
        header(elf, 0, 1, 5, 0, 0, 0x1800, 0x1800);
        header(elf, 1, 1, 6, 0x2000, 0x3000, 0x800, 0x2000);
        header(elf, 2, 3, 4, 0x300, 0x300, 5, 5);
        header(elf, 3, 0x6474e551, 6, 0, 0, 0, 0);
        elf.put(0x300, new byte[] {'/', 'l', 'd', 'x', 0});
        return elf;
    }

    private static void header(
            ByteBuffer elf,
            int index,
            int type,
            int flags,
            long offset,
            long address,
            long fileSize,
            long memorySize) {
        int at = 64 + 56 * index;
        elf.putInt(at, type)
                .putInt(at + 4, flags)
                .putLong(at + 8, offset)
                .putLong(at + 16, address);
        elf.putLong(at + 32, fileSize).putLong(at + 40, memorySize).putLong(at + 48, 4096);
    }

    private ElfImage read(ByteBuffer elf) throws ErrnoException {
        try (FakeFile file = new FakeFile(platform.memory(), elf.array(), 0)) {
            return ElfImage.read(new FileReader(Unused.TASK, file));
        }
    }

    private int errnoOf(Consumer<ByteBuffer> change) {
        ByteBuffer elf = program();
        change.accept(elf);
        return catchThrowable(() -> read(elf)) instanceof ErrnoException e ? e.errno() : 0;
    }

    @Test
    void headersAreRead() throws Exception {
        ElfImage image = read(program());
        assertThat(image.dynamic).isTrue();
        assertThat(image.interpreter).isEqualTo("/ldx");
        assertThat(image.executableStack).isFalse();
        assertThat(image.programHeaderAddress).isEqualTo(64);
        assertThat(image.span()).isEqualTo(0x5000);
        assertThat(image.segments).hasSize(2);
    }

    @Test
    void hostileHeadersAreRefused() {
        int first = 64;
        int interpreter = 64 + 2 * 56;
        assertThat(errnoOf(elf -> elf.put(4, (byte) 1))).as("32 bits").isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putShort(18, (short) 3)))
                .as("another machine")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putShort(16, (short) 1)))
                .as("an object file")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putShort(54, (short) 55)))
                .as("header size")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putShort(56, (short) 0))).as("no headers").isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putShort(56, (short) 0xffff)))
                .as("too many headers")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putLong(32, Long.MAX_VALUE - 10)))
                .as("headers past 2^63")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putLong(32, 12288 - 100)))
                .as("headers past the end")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putInt(first, 0).putInt(first + 56, 0)))
                .as("nothing to load")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putLong(first + 40, 0x17ff)))
                .as("larger in the file than in memory")
                .isEqualTo(EINVAL);
        assertThat(errnoOf(elf -> elf.putLong(first + 16, -4096)))
                .as("negative address")
                .isEqualTo(EINVAL);
        assertThat(errnoOf(elf -> elf.putLong(first + 40, Long.MAX_VALUE)))
                .as("endless")
                .isEqualTo(EINVAL);
        assertThat(errnoOf(elf -> elf.putLong(first + 8, 1)))
                .as("offset and address disagree")
                .isEqualTo(EINVAL);
        assertThat(errnoOf(elf -> elf.putLong(interpreter + 32, 1)))
                .as("empty interpreter")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putLong(interpreter + 32, 5000)))
                .as("interpreter too long")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putLong(interpreter + 32, 4)))
                .as("interpreter without end")
                .isEqualTo(ENOEXEC);
        assertThat(errnoOf(elf -> elf.putLong(interpreter + 8, -1)))
                .as("interpreter nowhere")
                .isEqualTo(ENOEXEC);
    }

    @Test
    void anyDamageEndsInAnErrnoOrAnImageThatCanBe() {
        Random random = new Random(11);
        int refused = 0;
        for (int round = 0; round < 3000; round++) {
            ByteBuffer elf = program();
            for (int i = 0; i <= round % 3; i++) {
                int at = random.nextInt(64 + 4 * 56);
                if (random.nextBoolean()) {
                    elf.put(at, (byte) random.nextInt());
                } else {
                    elf.putLong(Math.min(at & -8, 280), random.nextLong() >> random.nextInt(64));
                }
            }
            try {
                ElfImage image = read(elf);
                assertThat(image.segments).isNotEmpty();
                for (ElfImage.Segment segment : image.segments) {
                    assertThat(segment.end()).isBetween(segment.address(), 1L << 47);
                }
            } catch (ErrnoException e) {
                refused++;
                assertThat(e.errno()).isIn(ENOEXEC, EINVAL);
            }
        }
        assertThat(refused).isBetween(500, 2900);
    }
}
