package dev.thaw.host;

/** The processor: what the host kernel told this process about it (getauxval(3)), and which of several a thread is on. */
public final class HostCpu {
    static {
        NativeFiles.load();
    }

    /** An entry of the auxiliary vector, 0 when there is none. */
    public static native long auxiliaryValue(int type);

    /** The processor that this thread is on. */
    public static native int current();

    /** Moves thread {@code tid} (0: this one) to processor {@code cpu}, if it may run there; where it may run stays as it was. */
    public static native void move(int tid, int cpu);

    private HostCpu() {}
}
