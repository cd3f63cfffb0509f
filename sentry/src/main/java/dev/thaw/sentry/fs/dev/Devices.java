package dev.thaw.sentry.fs.dev;

import static dev.thaw.abi.Errno.ENXIO;
import static dev.thaw.abi.Fcntl.S_IFCHR;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.vfs.FileDescription;
import dev.thaw.sentry.vfs.Inode;
import dev.thaw.sentry.vfs.SpecialFiles;

/** Character devices by number (Linux: {@code Documentation/admin-guide/devices.txt}), wherever their node is. */
public final class Devices {
    // spotless:off
    static final int NULL    = 0x103;
    static final int ZERO    = 0x105;
    static final int FULL    = 0x107;
    static final int RANDOM  = 0x108;
    static final int URANDOM = 0x109;
    static final int TTY     = 0x500;
    static final int PTMX    = 0x502;
    // spotless:on

    /** Has the VFS open character devices here. */
    public static void register() {
        SpecialFiles.register(S_IFCHR, (_, node, flags) -> open(node, flags));
    }

    private static FileDescription open(Inode node, int flags) throws ErrnoException {
        return switch ((int) node.rdev()) {
            case NULL, ZERO, FULL, RANDOM, URANDOM -> new MemoryDevice((int) node.rdev(), flags);
            default -> throw errno(ENXIO); // no terminal, no such device
        };
    }

    private Devices() {}
}
