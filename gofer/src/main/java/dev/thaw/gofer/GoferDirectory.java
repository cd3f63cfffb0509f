package dev.thaw.gofer;

import static dev.thaw.abi.Fcntl.*;
import static dev.thaw.gofer.GoferProtocol.ATTRIBUTES_SIZE;
import static dev.thaw.gofer.GoferProtocol.writeAttributes;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.thaw.host.HostFiles;
import dev.thaw.host.HostStat;
import dev.thaw.host.WireException;
import dev.thaw.host.WireWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** A directory that a lane reads in several messages. Used by the lane's thread alone. */
final class GoferDirectory implements AutoCloseable {
    private static final int NAME_AT =
            19; // struct linux_dirent64: ino, off, u16 reclen at 16, u8 type, name
    private static final int LARGEST = ATTRIBUTES_SIZE + 4 + 255;

    private final GoferHandles handles;
    private final HostStat stat = new HostStat();
    private final MemorySegment buffer = Arena.ofAuto().allocate(32 << 10, 8);
    private long position;
    private long limit;
    private int fd = -1;
    private long dev;

    GoferDirectory(GoferHandles handles) {
        this.handles = handles;
    }

    /** Starts to read the directory {@code path}, an O_PATH descriptor that stays the caller's. */
    int open(int path) {
        int opened =
                HostFiles.openat2(
                        path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_BENEATH);
        if (opened < 0) {
            return opened;
        }
        fd = opened;
        position = 0;
        limit = 0;
        int result = HostFiles.fstat(fd, stat);
        dev = stat.dev;
        return result;
    }

    /** Writes as many entries as the message holds; returns their number, 0 at the end. */
    int fill(WireWriter out) throws WireException {
        int count = 0;
        while (fd >= 0 && out.room() >= LARGEST) {
            if (position >= limit) {
                long read = HostFiles.getdents64(fd, buffer);
                if (read <= 0) {
                    close();
                    return read < 0 && count == 0 ? (int) read : count;
                }
                position = 0;
                limit = read;
            }
            int length = buffer.get(JAVA_SHORT_UNALIGNED, position + 16) & 0xffff;
            String name = buffer.getString(position + NAME_AT, StandardCharsets.ISO_8859_1);
            position += length;
            if (!name.equals(".") && !name.equals("..") && isServed(name)) {
                writeAttributes(out, stat);
                out.string(name);
                count++;
            }
        }
        return count;
    }

    private boolean isServed(String name) {
        if (HostFiles.statx(fd, name, AT_SYMLINK_NOFOLLOW, stat) < 0) {
            return false;
        }
        if (stat.dev == dev || (stat.type() == S_IFDIR && stat.isMountRoot())) {
            return true;
        }
        int child =
                HostFiles.openat2(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, RESOLVE_BENEATH);
        if (child < 0) {
            return false;
        }
        boolean barred = handles.isBarred(stat.dev, child);
        HostFiles.close(child);
        return !barred;
    }

    @Override
    public void close() {
        if (fd >= 0) {
            HostFiles.close(fd);
            fd = -1;
        }
    }
}
