package dev.thaw.sentry.loader;

import static dev.thaw.abi.Auxv.AT_BASE;
import static dev.thaw.abi.Auxv.AT_CLKTCK;
import static dev.thaw.abi.Auxv.AT_EGID;
import static dev.thaw.abi.Auxv.AT_ENTRY;
import static dev.thaw.abi.Auxv.AT_EUID;
import static dev.thaw.abi.Auxv.AT_EXECFN;
import static dev.thaw.abi.Auxv.AT_FLAGS;
import static dev.thaw.abi.Auxv.AT_GID;
import static dev.thaw.abi.Auxv.AT_HWCAP;
import static dev.thaw.abi.Auxv.AT_HWCAP2;
import static dev.thaw.abi.Auxv.AT_IGNORE;
import static dev.thaw.abi.Auxv.AT_MINSIGSTKSZ;
import static dev.thaw.abi.Auxv.AT_NULL;
import static dev.thaw.abi.Auxv.AT_PAGESZ;
import static dev.thaw.abi.Auxv.AT_PHDR;
import static dev.thaw.abi.Auxv.AT_PHENT;
import static dev.thaw.abi.Auxv.AT_PHNUM;
import static dev.thaw.abi.Auxv.AT_PLATFORM;
import static dev.thaw.abi.Auxv.AT_RANDOM;
import static dev.thaw.abi.Auxv.AT_SECURE;
import static dev.thaw.abi.Auxv.AT_SYSINFO_EHDR;
import static dev.thaw.abi.Auxv.AT_UID;

import dev.thaw.host.HostCpu;
import dev.thaw.sentry.kernel.Credentials;

/** The auxiliary vector (getauxval(3)). */
final class Auxiliary {
    private static final long CLOCK_TICKS = 100;
    private static final long HWCAP = HostCpu.auxiliaryValue(AT_HWCAP);

    /** Ring-3 MWAIT and FSGSBASE: guest code runs on the host's processor, so what the host says holds. */
    private static final long HWCAP2 = HostCpu.auxiliaryValue(AT_HWCAP2);

    private static final long MIN_SIGNAL_STACK =
            Math.max(2048, HostCpu.auxiliaryValue(AT_MINSIGSTKSZ));

    /** All entries in Linux's order; those that point into the stack are 0 until {@link #patch}. */
    static long[] make(
            LoadRequest request, long phdr, int phnum, long base, long entry, long vdso) {
        Credentials who = request.credentials();
        return new long[] {
            vdso == 0 ? AT_IGNORE : AT_SYSINFO_EHDR,
            vdso,
            AT_MINSIGSTKSZ,
            MIN_SIGNAL_STACK,
            AT_HWCAP,
            HWCAP,
            AT_PAGESZ,
            4096,
            AT_CLKTCK,
            CLOCK_TICKS,
            AT_PHDR,
            phdr,
            AT_PHENT,
            ElfImage.PROGRAM_HEADER_SIZE,
            AT_PHNUM,
            phnum,
            AT_BASE,
            base,
            AT_FLAGS,
            0,
            AT_ENTRY,
            entry,
            AT_UID,
            who.uid() & 0xffffffffL,
            AT_EUID,
            who.euid() & 0xffffffffL,
            AT_GID,
            who.gid() & 0xffffffffL,
            AT_EGID,
            who.egid() & 0xffffffffL,
            AT_SECURE,
            request.secure() ? 1 : 0,
            AT_RANDOM,
            0,
            AT_HWCAP2,
            HWCAP2,
            AT_EXECFN,
            0,
            AT_PLATFORM,
            0,
            AT_NULL,
            0
        };
    }

    static void patch(long[] auxv, long random, long execFn, long platform) {
        for (int i = 0; i < auxv.length; i += 2) {
            if (auxv[i] == AT_RANDOM) {
                auxv[i + 1] = random;
            } else if (auxv[i] == AT_EXECFN) {
                auxv[i + 1] = execFn;
            } else if (auxv[i] == AT_PLATFORM) {
                auxv[i + 1] = platform;
            }
        }
    }

    private Auxiliary() {}
}
