package dev.thaw.host;

/** What the host kernel told this process about the processor (getauxval(3)). */
public final class HostCpu {
    static {
        NativeFiles.load();
    }

    /** An entry of the auxiliary vector, 0 when there is none. */
    public static native long auxiliaryValue(int type);

    private HostCpu() {}
}
