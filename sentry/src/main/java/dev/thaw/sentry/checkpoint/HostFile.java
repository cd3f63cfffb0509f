package dev.thaw.sentry.checkpoint;

import dev.thaw.abi.Errno;
import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import dev.thaw.state.ImageException;
import dev.thaw.state.image.ByteSink;
import dev.thaw.state.image.ByteSource;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** A file of an image, by a descriptor that runsc opened: the sandbox process itself can open none. */
record HostFile(int fd, String name) implements ByteSink, ByteSource {
    @Override
    public void write(MemorySegment data, long position) throws IOException {
        long done = 0;
        while (done < data.byteSize()) {
            long count = HostFiles.pwrite(fd, data, done, data.byteSize() - done, position + done);
            if (count == -Errno.EINTR) {
                continue;
            }
            if (count <= 0) {
                throw failed("written", count);
            }
            done += count;
        }
    }

    @Override
    public long size() throws IOException {
        HostStat stat = new HostStat();
        int result = HostFiles.fstat(fd, stat);
        if (result < 0) {
            throw failed("read", result);
        }
        return stat.size;
    }

    @Override
    public void read(MemorySegment target, long position) throws IOException {
        long done = 0;
        while (done < target.byteSize()) {
            long count =
                    HostFiles.pread(fd, target, done, target.byteSize() - done, position + done);
            if (count == -Errno.EINTR) {
                continue;
            }
            if (count == 0) {
                throw new ImageException(name + " is cut short");
            }
            if (count < 0) {
                throw failed("read", count);
            }
            done += count;
        }
    }

    private IOException failed(String what, long result) {
        String why =
                switch ((int) -result) {
                    case Errno.ENOSPC -> "no space left on device";
                    case Errno.EDQUOT -> "disk quota exceeded";
                    case Errno.EIO -> "input/output error";
                    default -> Errno.name((int) -result);
                };
        return new IOException(name + " can not be " + what + ": " + why);
    }

    void close() {
        HostFiles.close(fd);
    }
}
