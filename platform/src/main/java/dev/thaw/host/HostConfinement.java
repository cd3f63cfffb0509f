package dev.thaw.host;

import static dev.thaw.abi.Fcntl.AT_FDCWD;
import static dev.thaw.abi.Fcntl.AT_REMOVEDIR;
import static dev.thaw.abi.Sysno.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/** What a process gives up before it serves somebody it does not trust, besides its system calls ({@link Seccomp}). Every function returns {@code -errno} on failure. */
public final class HostConfinement {
    // spotless:off
    public static final long CAP_CHOWN           = 1L << 0;
    public static final long CAP_DAC_OVERRIDE    = 1L << 1;
    public static final long CAP_DAC_READ_SEARCH = 1L << 2;
    public static final long CAP_FOWNER          = 1L << 3;
    public static final long CAP_FSETID          = 1L << 4;
    public static final long CAP_MKNOD           = 1L << 27;
    // spotless:on

    private static final int CAPABILITY_VERSION_3 = 0x20080522;
    private static final int LAST_CAPABILITY = 63;
    private static final int PR_CAPBSET_DROP = 24;
    private static final int PR_CAP_AMBIENT = 47;
    private static final int PR_CAP_AMBIENT_CLEAR_ALL = 4;

    /**
     * Keeps the capabilities in {@code keep} (those that it has) and loses all others for good. Linux does this for the calling thread and those it starts from
     * then on: a JVM's older threads keep theirs unless the program that started the JVM bounded them.
     */
    public static int dropCapabilities(long keep) {
        for (int capability = 0; capability <= LAST_CAPABILITY; capability++) {
            if ((keep >>> capability & 1) == 0
                    && RawSyscall.call(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0, 0) < 0) {
                break; // past the last one the kernel knows, or already without CAP_SETPCAP
            }
        }
        RawSyscall.call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0);
        MemorySegment structs =
                HostScratch.structs(); // header { u32 version; int pid }, data[2] { u32 effective,
        // permitted, inheritable }
        structs.set(JAVA_INT, 0, CAPABILITY_VERSION_3);
        structs.set(JAVA_INT, 4, 0);
        int result =
                (int)
                        RawSyscall.call(
                                SYS_capget, structs.address(), structs.address() + 8, 0, 0, 0, 0);
        if (result < 0) {
            return result;
        }
        for (int i = 0; i < 2; i++) {
            int permitted = structs.get(JAVA_INT, 8 + 12L * i + 4) & (int) (keep >>> 32 * i);
            structs.set(JAVA_INT, 8 + 12L * i, permitted);
            structs.set(JAVA_INT, 8 + 12L * i + 4, permitted);
            structs.set(JAVA_INT, 8 + 12L * i + 8, 0);
        }
        return (int)
                RawSyscall.call(SYS_capset, structs.address(), structs.address() + 8, 0, 0, 0, 0);
    }

    /** Makes an empty directory that no longer has a name the root of the process: no path leads anywhere, and nothing can be created. */
    public static int enterEmptyRoot() {
        String name = "/tmp/.thaw-empty-" + HostProcess.getpid() + "-" + System.nanoTime();
        int result = HostFiles.mkdirat(AT_FDCWD, name, 0x1c0);
        if (result < 0) {
            return result;
        }
        result = path(SYS_chdir, name);
        int removed = HostFiles.unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
        if (result >= 0 && removed >= 0) {
            result = path(SYS_chroot, ".");
        }
        return result < 0 ? result : Math.min(removed, 0);
    }

    /** Lets files be created with just the mode that is asked for. */
    public static void clearUmask() {
        RawSyscall.call(SYS_umask, 0, 0, 0, 0, 0, 0);
    }

    /** Raises the soft limit of open descriptors to the hard one. */
    public static int raiseDescriptorLimit() {
        MemorySegment limits = HostScratch.structs();
        int result =
                (int)
                        RawSyscall.call(
                                SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, limits.address(), 0, 0);
        if (result < 0) {
            return result;
        }
        limits.set(JAVA_LONG, 0, limits.get(JAVA_LONG, 8));
        return (int) RawSyscall.call(SYS_prlimit64, 0, 7, limits.address(), 0, 0, 0);
    }

    private static int path(int nr, String path) {
        return (int) RawSyscall.call(nr, HostScratch.path(0, path), 0, 0, 0, 0, 0);
    }

    private HostConfinement() {}
}
