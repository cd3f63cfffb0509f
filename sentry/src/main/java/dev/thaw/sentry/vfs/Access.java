package dev.thaw.sentry.vfs;

import static dev.thaw.abi.Errno.EACCES;
import static dev.thaw.abi.Errno.EPERM;
import static dev.thaw.abi.Fcntl.S_IFDIR;
import static dev.thaw.abi.Fcntl.S_IFMT;
import static dev.thaw.sentry.ErrnoException.errno;

import dev.thaw.sentry.ErrnoException;
import dev.thaw.sentry.kernel.Credentials;

/** Discretionary access control ({@code generic_permission} of Linux's {@code fs/namei.c}; capabilities(7)). */
public final class Access {
    public static final int READ = 4;
    public static final int WRITE = 2;
    public static final int EXEC = 1;

    public static final int CAP_CHOWN = 0;
    public static final int CAP_DAC_OVERRIDE = 1;
    public static final int CAP_DAC_READ_SEARCH = 2;
    public static final int CAP_FOWNER = 3;
    public static final int CAP_FSETID = 4;
    public static final int CAP_SYS_CHROOT = 18;
    public static final int CAP_SYS_ADMIN = 21;
    public static final int CAP_SYS_RESOURCE = 24;
    public static final int CAP_MKNOD = 27;

    public static final int S_ISUID = 0x800;
    public static final int S_ISGID = 0x400;
    public static final int S_ISVTX = 0x200;

    /** Whether {@code who} may do all of {@code mask} (READ, WRITE, EXEC) to {@code inode}. */
    public static boolean permits(Credentials who, Inode inode, int mask) {
        int mode = inode.mode();
        int shift = who.fsuid() == inode.uid() ? 6 : who.inGroup(inode.gid()) ? 3 : 0;
        if ((mode >> shift & mask) == mask) {
            return true;
        }
        if ((mode & S_IFMT) == S_IFDIR) {
            return who.has(CAP_DAC_OVERRIDE)
                    || ((mask & WRITE) == 0 && who.has(CAP_DAC_READ_SEARCH));
        }
        if (who.has(CAP_DAC_OVERRIDE) && ((mask & EXEC) == 0 || (mode & 0x49) != 0)) {
            return true;
        }
        return mask == READ && who.has(CAP_DAC_READ_SEARCH);
    }

    /** EACCES unless permitted. */
    public static void check(Credentials who, Inode inode, int mask) throws ErrnoException {
        if (!permits(who, inode, mask)) {
            throw errno(EACCES);
        }
    }

    /** EPERM unless {@code who} owns {@code inode} or may act as if. */
    public static void checkOwner(Credentials who, Inode inode) throws ErrnoException {
        if (who.fsuid() != inode.uid() && !who.has(CAP_FOWNER)) {
            throw errno(EPERM);
        }
    }

    /** The sticky bit: in such a directory only owners may remove names. */
    static void checkSticky(Credentials who, Inode directory, Inode victim) throws ErrnoException {
        if ((directory.mode() & S_ISVTX) != 0
                && who.fsuid() != victim.uid()
                && who.fsuid() != directory.uid()
                && !who.has(CAP_FOWNER)) {
            throw errno(EPERM);
        }
    }

    /** The mode that set-id files keep when written to or given away by someone without CAP_FSETID. */
    static int withoutPrivileges(int mode) {
        int kept = mode & ~S_ISUID;
        return (mode & (S_ISGID | 0x8)) == (S_ISGID | 0x8) ? kept & ~S_ISGID : kept;
    }

    private Access() {}
}
