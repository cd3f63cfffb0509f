package dev.thaw.host;

import static dev.thaw.abi.Sysno.SYS_chdir;
import static dev.thaw.abi.Sysno.SYS_pivot_root;
import static dev.thaw.abi.Sysno.SYS_prctl;
import static dev.thaw.abi.Sysno.SYS_umount2;

/** How a process with threads gives up its file system and its user, for all threads at once. Every function returns {@code -errno} on failure. */
public final class HostPrivileges {
    private static final int MNT_DETACH = 2;
    private static final int PR_SET_DUMPABLE = 4;

    private HostPrivileges() {}

    /**
     * Makes the mount at {@code path} the root of this mount namespace and takes all other mounts out of it: nothing of the host has a name any more, for this process and for all that
     * shared its old root in this namespace.
     */
    public static int pivotInto(String path) {
        int result = (int) RawSyscall.call(SYS_chdir, HostScratch.path(0, path), 0, 0, 0, 0, 0);
        if (result < 0) {
            return result;
        }
        long here = HostScratch.path(0, ".");
        result =
                (int)
                        RawSyscall.call(
                                SYS_pivot_root,
                                here,
                                here,
                                0,
                                0,
                                0,
                                0); // the old root now lies over the new one: pivot_root(2), NOTES
        if (result < 0) {
            return result;
        }
        result =
                (int)
                        RawSyscall.call(
                                SYS_umount2, HostScratch.path(0, "."), MNT_DETACH, 0, 0, 0, 0);
        return result < 0
                ? result
                : (int) RawSyscall.call(SYS_chdir, HostScratch.path(0, "/"), 0, 0, 0, 0, 0);
    }

    /**
     * Makes every thread of the process the user and group {@code id}, without supplementary groups. All capabilities go with user 0. libc does it (setresuid(3)): it has each thread make the
     * call, which the bare call would not.
     */
    public static int become(int id) {
        long setgroups = LibC.function("setgroups");
        long setresgid = LibC.function("setresgid");
        long setresuid = LibC.function("setresuid");
        if ((int) LibC.call(setgroups, 0, 0, 0, 0, 0, 0) != 0
                || (int) LibC.call(setresgid, id, id, id, 0, 0, 0) != 0
                || (int) LibC.call(setresuid, id, id, id, 0, 0, 0) != 0) {
            return -dev.thaw.abi.Errno.EPERM;
        }
        return 0;
    }

    /** Keeps others of the same user from tracing this process or reading its memory. */
    public static int hideFromTracing() {
        return (int) RawSyscall.call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0, 0);
    }
}
