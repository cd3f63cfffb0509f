package dev.thaw.sentry.kernel;

/** What uname(2) and /proc/version say: the Linux that the system calls follow. */
public final class KernelVersion {
    public static final String NAME = "Linux";
    public static final String RELEASE = "6.1.0-thaw";
    public static final String VERSION = "#1 SMP Thaw";
    public static final String MACHINE = "x86_64";

    private KernelVersion() {}
}
