package dev.thaw.sentry.mm;

/** The vDSO: code the guest calls for the time without a system call. */
public final class Vdso {
    /** Maps it into a fresh address space; returns its address for AT_SYSINFO_EHDR, 0 when there is none. */
    public static long map(MemoryManager mm) {
        return 0;
    }

    private Vdso() {}
}
