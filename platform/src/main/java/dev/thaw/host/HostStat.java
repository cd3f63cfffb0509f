package dev.thaw.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.thaw.abi.Fcntl;
import java.lang.foreign.MemorySegment;

/**
 * What {@code statx(2)} says of a file; filled in place so that loops over directories make no garbage. Times are nanoseconds since 1970.
 *
 * <pre>
 * struct statx: 0 mask | 4 blksize | 8 attributes | 16 nlink | 20 uid | 24 gid | 28 mode(u16) | 32 ino | 40 size | 48 blocks
 *               | 64 atime | 80 btime | 96 ctime | 112 mtime (each s64 sec, u32 nsec, pad) | 128 rdev major, minor | 136 dev major, minor | 144 mnt_id
 * </pre>
 */
public final class HostStat {
    static final int SIZE = 256;

    public long dev;
    public long ino;
    public int mode;
    public int nlink;
    public int uid;
    public int gid;
    public long rdev;
    public long size;
    public long blocks;
    public int blockSize;
    public long atime;
    public long mtime;
    public long ctime;
    public long btime;
    public long mountId;

    private boolean mountRoot;

    /** The file type bits of {@link #mode}. */
    public int type() {
        return mode & Fcntl.S_IFMT;
    }

    /** Whether the file is the top of a mount. */
    public boolean isMountRoot() {
        return mountRoot;
    }

    void fill(MemorySegment statx) {
        blockSize = statx.get(JAVA_INT, 4);
        mountRoot = (statx.get(JAVA_LONG, 8) & 0x2000) != 0; // STATX_ATTR_MOUNT_ROOT
        nlink = statx.get(JAVA_INT, 16);
        uid = statx.get(JAVA_INT, 20);
        gid = statx.get(JAVA_INT, 24);
        mode = statx.get(JAVA_SHORT, 28) & 0xffff;
        ino = statx.get(JAVA_LONG, 32);
        size = statx.get(JAVA_LONG, 40);
        blocks = statx.get(JAVA_LONG, 48);
        atime = time(statx, 64);
        btime = time(statx, 80);
        ctime = time(statx, 96);
        mtime = time(statx, 112);
        rdev = device(statx.get(JAVA_INT, 128), statx.get(JAVA_INT, 132));
        dev = device(statx.get(JAVA_INT, 136), statx.get(JAVA_INT, 140));
        mountId = statx.get(JAVA_LONG, 144);
    }

    private static long time(MemorySegment statx, long at) {
        return statx.get(JAVA_LONG, at) * 1_000_000_000L + statx.get(JAVA_INT, at + 8);
    }

    /** {@code makedev(3)} of glibc. */
    public static long device(int major, int minor) {
        long hi = major & 0xffffffffL;
        long lo = minor & 0xffffffffL;
        return (lo & 0xff) | ((hi & 0xfff) << 8) | ((lo & ~0xffL) << 12) | ((hi & ~0xfffL) << 32);
    }
}
