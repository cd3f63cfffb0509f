package dev.thaw.sentry.fs.pipe;

import static dev.thaw.abi.Errno.EAGAIN;
import static dev.thaw.abi.Errno.EPIPE;
import static dev.thaw.abi.Poll.POLLERR;
import static dev.thaw.abi.Poll.POLLHUP;
import static dev.thaw.abi.Poll.POLLIN;
import static dev.thaw.abi.Poll.POLLOUT;
import static dev.thaw.abi.Poll.POLLRDNORM;
import static dev.thaw.abi.Poll.POLLWRNORM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.mm.IoBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PipeTest {
    private final PipeFile[] ends = PipeFile.create(0);
    private final Pipe pipe = ends[0].pipe();

    private static byte[] bytes(int length, int seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void bytesComeOutInOrderAcrossTheRingsEnd() throws ErrnoException {
        Random random = new Random(7);
        Random expected = new Random(11);
        Random source = new Random(11);
        long in = 0;
        long out = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] some = new byte[1 + random.nextInt(5000)];
            if (random.nextBoolean()) {
                boolean room = pipe.capacity() - pipe.available() >= some.length;
                if (room) {
                    for (int j = 0; j < some.length; j++) {
                        some[j] = (byte) source.nextInt();
                    }
                    assertThat(pipe.write(IoBuffer.of(some))).isEqualTo(some.length);
                    in += some.length;
                }
            } else {
                long got = pipe.read(IoBuffer.of(some));
                for (int j = 0; j < got; j++) {
                    assertThat(some[j]).isEqualTo((byte) expected.nextInt());
                }
                out += Math.max(0, got);
            }
        }
        assertThat(in - out).isEqualTo(pipe.available());
        assertThat(out).isGreaterThan(1 << 20);
    }

    @Test
    void smallWritesAreAllOrNothing_bigOnesWriteWhatFits() throws ErrnoException {
        assertThat(pipe.write(IoBuffer.of(new byte[65536 - 100]))).isEqualTo(65436);
        assertThat(pipe.write(IoBuffer.of(new byte[101]))).isEqualTo(-EAGAIN);
        assertThat(pipe.write(IoBuffer.of(new byte[4097]))).isEqualTo(100);
        assertThat(pipe.write(IoBuffer.of(new byte[1]))).isEqualTo(-EAGAIN);
    }

    @Test
    void poll_saysWhatLinuxSays() throws ErrnoException {
        assertThat(ends[0].poll(-1)).isZero();
        assertThat(ends[1].poll(-1)).isEqualTo(POLLOUT | POLLWRNORM);
        pipe.write(IoBuffer.of(new byte[61441]));
        assertThat(ends[1].poll(-1)).as("no slot of a page is free").isZero();
        assertThat(ends[0].poll(-1)).isEqualTo(POLLIN | POLLRDNORM);
        ends[1].close();
        assertThat(ends[0].poll(-1)).isEqualTo(POLLIN | POLLRDNORM | POLLHUP);
    }

    @Test
    void lastWriterGone_isEndOfFile_lastReaderGone_isEpipe() throws ErrnoException {
        pipe.write(IoBuffer.of(new byte[3]));
        ends[1].close();
        assertThat(pipe.read(IoBuffer.of(new byte[10]))).isEqualTo(3);
        assertThat(pipe.read(IoBuffer.of(new byte[10]))).isZero();

        PipeFile[] other = PipeFile.create(0);
        other[0].close();
        assertThat(other[1].pipe().write(IoBuffer.of(new byte[1]))).isEqualTo(-EPIPE);
        assertThat(other[1].poll(-1) & POLLERR).isEqualTo(POLLERR);
        assertThat(other[1].pipe().write(IoBuffer.of(new byte[0]))).isZero();
    }

    @Test
    void setCapacity_roundsUpAndRefusesToLoseBytes() throws ErrnoException {
        assertThat(pipe.setCapacity(5000, false)).isEqualTo(8192);
        pipe.write(IoBuffer.of(new byte[5000]));
        assertThatThrownBy(() -> pipe.setCapacity(4096, false)).hasMessage("EBUSY");
        assertThatThrownBy(() -> pipe.setCapacity((1 << 20) + 1, false)).hasMessage("EPERM");
        assertThat(pipe.setCapacity((1 << 20) + 1, true)).isEqualTo(1 << 21);
    }

    @Test
    void pushedBackBytesAreReadAgainFirst() throws ErrnoException {
        byte[] content = bytes(3000, 1);
        pipe.write(IoBuffer.of(content));
        byte[] front = new byte[1000];
        pipe.read(IoBuffer.of(front));
        pipe.pushBack(front, 400, 600);
        byte[] rest = new byte[2600];
        assertThat(pipe.read(IoBuffer.of(rest))).isEqualTo(2600);
        assertThat(rest).isEqualTo(java.util.Arrays.copyOfRange(content, 400, 3000));
    }

    @Test
    void aFifoThatNeverHadAWriterDoesNotHangUp() throws ErrnoException {
        Pipe fifo = new Pipe();
        PipeFile reader =
                Fifos.open(null, fifo, dev.thaw.abi.Fcntl.O_RDONLY | dev.thaw.abi.Fcntl.O_NONBLOCK);
        assertThat(reader.poll(-1)).isZero();
        PipeFile writer =
                Fifos.open(null, fifo, dev.thaw.abi.Fcntl.O_WRONLY | dev.thaw.abi.Fcntl.O_NONBLOCK);
        writer.close();
        assertThat(reader.poll(-1)).isEqualTo(POLLHUP);
        reader.close();
        assertThatThrownBy(
                        () ->
                                Fifos.open(
                                        null,
                                        fifo,
                                        dev.thaw.abi.Fcntl.O_WRONLY
                                                | dev.thaw.abi.Fcntl.O_NONBLOCK))
                .hasMessage("ENXIO");
    }
}
