package dev.thaw.gofer;

import dev.thaw.host.HostStat;
import dev.thaw.host.WireException;
import dev.thaw.host.WireReader;
import dev.thaw.host.WireWriter;

/** Numbers and records that both sides of the file protocol share; {@code gofer/README.md} has the tables. */
public final class GoferProtocol {
    /** Both sides must speak the same version. */
    public static final int VERSION = 1;

    // spotless:off
    static final int OP_HELLO    = 1;
    static final int OP_LANE     = 2;
    static final int OP_WALK     = 3;
    static final int OP_STAT     = 4;
    static final int OP_HANDLE   = 5;
    static final int OP_CLOSE    = 6;
    static final int OP_READDIR  = 7;
    static final int OP_READMORE = 8;
    static final int OP_READLINK = 9;
    static final int OP_OPEN     = 10;
    static final int OP_STATFS   = 11;
    static final int OP_CREATE   = 12;
    static final int OP_MKDIR    = 13;
    static final int OP_MKNOD    = 14;
    static final int OP_SYMLINK  = 15;
    static final int OP_LINK     = 16;
    static final int OP_UNLINK   = 17;
    static final int OP_RENAME   = 18;
    static final int OP_SETATTR  = 19;
    static final int OP_FSYNC    = 20;

    /** What {@link GoferClient#setattr} changes. */
    public static final int SET_MODE      = 0x01;
    public static final int SET_UID       = 0x02;
    public static final int SET_GID       = 0x04;
    public static final int SET_SIZE      = 0x08;
    public static final int SET_ATIME     = 0x10;
    public static final int SET_MTIME     = 0x20;
    public static final int SET_ATIME_NOW = 0x40;
    public static final int SET_MTIME_NOW = 0x80;
    static final int SET_ALL              = 0xff;
    // spotless:on

    /** Longest path in a message, as Linux's PATH_MAX without the zero. */
    static final int MAX_PATH = 4095;

    /** Most components of one walk. */
    static final int MAX_WALK = 256;

    /** Most lanes of one client. */
    static final int MAX_LANES = 16;

    /** Most handles that one client holds, the roots not counted. */
    static final int MAX_HANDLES = 4096;

    /** Most roots. */
    static final int MAX_ROOTS = 256;

    /** Bytes of one file's attributes on the wire. */
    static final int ATTRIBUTES_SIZE = 96;

    static void writeAttributes(WireWriter out, HostStat stat) throws WireException {
        out.i64(stat.dev)
                .i64(stat.ino)
                .i32(stat.mode)
                .i32(stat.nlink)
                .i32(stat.uid)
                .i32(stat.gid)
                .i64(stat.rdev)
                .i64(stat.size)
                .i64(stat.blocks);
        out.i32(stat.blockSize)
                .i32(0)
                .i64(stat.atime)
                .i64(stat.mtime)
                .i64(stat.ctime)
                .i64(stat.btime);
    }

    static void readAttributes(WireReader in, HostStat stat) throws WireException {
        stat.dev = in.i64();
        stat.ino = in.i64();
        stat.mode = in.i32();
        stat.nlink = in.i32();
        stat.uid = in.i32();
        stat.gid = in.i32();
        stat.rdev = in.i64();
        stat.size = in.i64();
        stat.blocks = in.i64();
        stat.blockSize = in.i32();
        in.i32();
        stat.atime = in.i64();
        stat.mtime = in.i64();
        stat.ctime = in.i64();
        stat.btime = in.i64();
    }

    private GoferProtocol() {}
}
